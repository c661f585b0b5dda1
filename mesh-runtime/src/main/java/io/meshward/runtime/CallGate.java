package io.meshward.runtime;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides about every call to a server: is its connection still good, does what it carries to prove
 * identities prove them, does the policy allow it to its caller and to all on whose behalf that
 * acts, and does an external decision point, if there is one, allow it too. The identities go on in
 * the {@link Context}, claims in the metadata do not. A refused caller learns only that it is
 * refused; the reason is in the event.
 */
final class CallGate implements ServerInterceptor {
  private static final Logger log = LoggerFactory.getLogger(CallGate.class);
  private static final Status REFUSED = Status.PERMISSION_DENIED.withDescription("refused");

  private final Admission admission;
  private final EvidenceVerifier evidence;
  private final Supplier<PolicySet> policies;
  private final RiskSource risk;
  private final @Nullable DecisionPoint decisionPoint;
  private final Executor executor;
  private final DecisionEvents events;
  private final Clock clock;

  /**
   * @param decisionPoint asked about calls that the policy allows
   * @param executor runs the calls for which something had to be waited for
   */
  CallGate(
      Admission admission,
      EvidenceVerifier evidence,
      Supplier<PolicySet> policies,
      RiskSource risk,
      @Nullable DecisionPoint decisionPoint,
      Executor executor,
      DecisionEvents events,
      Clock clock) {
    this.admission = admission;
    this.evidence = evidence;
    this.policies = policies;
    this.risk = risk;
    this.decisionPoint = decisionPoint;
    this.executor = executor;
    this.events = events;
    this.clock = clock;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    long begin = System.nanoTime();
    TrackedConnection connection = call.getAttributes().get(PeerTransportFilter.CONNECTION);
    ConnectionFacts facts = call.getAttributes().get(PeerTransportFilter.FACTS);
    if (connection == null || facts == null) {
      List<String> claims = SpoofedMetadata.strip(headers, null);
      return refuse(
          call,
          new DecisionEvents.Subject(
              call.getMethodDescriptor(),
              headers,
              connection,
              facts,
              claims,
              begin,
              CallSpans.KEY.get()),
          CallEvidence.NONE,
          Ruling.ofConnection("no_peer"));
    }
    Optional<Verdict.Rejected> late = connection.recheck(admission);
    // Before claims are taken away: what an allowed proxy says is none.
    CompletableFuture<CallEvidence> proved =
        late.isPresent() ? EvidenceVerifier.NONE : evidence.of(headers, facts.id());
    List<String> claims = SpoofedMetadata.strip(headers, facts.id());
    DecisionEvents.Subject subject =
        new DecisionEvents.Subject(
            call.getMethodDescriptor(),
            headers,
            connection,
            facts,
            claims,
            begin,
            CallSpans.KEY.get());
    if (late.isPresent()) {
      connection.cut(Refusal.of(late.get()));
      return refuse(
          call, subject, CallEvidence.NONE, Ruling.ofConnection(late.get().reason().code()));
    }
    Begun<Q, R> begun = new Begun<>(call, headers, next, Context.current(), subject, facts);
    return after(begun, proved, given -> judge(begun, given));
  }

  /**
   * A call that is being decided about.
   *
   * @param context that of the call, which other threads do not have
   */
  private record Begun<Q, R>(
      ServerCall<Q, R> call,
      Metadata headers,
      ServerCallHandler<Q, R> next,
      Context context,
      DecisionEvents.Subject subject,
      ConnectionFacts facts) {}

  /** What is done with an answer once it is there. */
  private interface Step<A, Q> {
    ServerCall.Listener<Q> take(A answer);
  }

  /** Goes on at once if the answer is there, else lets the call wait for it. */
  private <A, Q, R> ServerCall.Listener<Q> after(
      Begun<Q, R> begun, CompletableFuture<A> answer, Step<A, Q> step) {
    if (answer.isDone()) {
      return step.take(answer.join());
    }
    DeferredCall<Q> deferred = new DeferredCall<>();
    var unused =
        answer.thenAcceptAsync(
            given -> begin(begun.call(), () -> deferred.open(step.take(given))), executor);
    return deferred;
  }

  private <Q, R> ServerCall.Listener<Q> judge(Begun<Q, R> begun, CallEvidence proved) {
    String unproved = proved.refusal();
    if (unproved != null) {
      return refuse(begun.call(), begun.subject(), proved, Ruling.ofCredentials(unproved));
    }
    PolicySet policy = policies.get();
    RiskSource scores =
        decisionPoint == null && !policy.asksForRisk()
            ? RiskSource.NONE
            : PeerRisk.of(risk, begun.facts().id());
    CallFacts asked =
        new CallFacts(
            begun.facts(),
            begun.call().getMethodDescriptor().getFullMethodName(),
            begun.headers(),
            proved.claims(),
            scores,
            clock);
    Ruling ruling = Ruling.of(policy, asked, proved.onBehalfOf());
    if (!ruling.allowed()) {
      return refuse(begun.call(), begun.subject(), proved, ruling, scores);
    }
    if (decisionPoint == null) {
      return serve(begun, proved, ruling, scores);
    }
    return after(
        begun,
        ask(decisionPoint, asked, proved.onBehalfOf()),
        answer -> {
          Ruling both = ruling.and(answer);
          return both.allowed()
              ? serve(begun, proved, both, scores)
              : refuse(begun.call(), begun.subject(), proved, both, scores);
        });
  }

  private static CompletableFuture<DecisionPoint.Answer> ask(
      DecisionPoint point, CallFacts call, List<SpiffeId> onBehalfOf) {
    CompletableFuture<DecisionPoint.Answer> answer = point.ask(call);
    for (SpiffeId other : onBehalfOf) {
      answer =
          answer.thenCombine(
              point.ask(call.as(other)), (first, second) -> first.allowed() ? second : first);
    }
    return answer;
  }

  private <Q, R> ServerCall.Listener<Q> serve(
      Begun<Q, R> begun, CallEvidence proved, Ruling ruling, RiskSource scores) {
    events.report(begun.subject(), proved, ruling, null, scores);
    PeerIdentity peer = begun.facts().peer();
    Context context =
        peer == null
            ? begun.context().withValue(PeerIdentity.ID, begun.facts().id())
            : begun.context().withValue(PeerIdentity.KEY, peer);
    if (proved.token() != null) {
      context = context.withValue(JwtSvid.KEY, proved.token().svid());
    }
    if (proved.delegation() != null) {
      context = context.withValue(Delegation.KEY, proved.delegation());
    }
    return Contexts.interceptCall(context, begun.call(), begun.headers(), begun.next());
  }

  private <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call, DecisionEvents.Subject subject, CallEvidence proved, Ruling ruling) {
    return refuse(call, subject, proved, ruling, RiskSource.NONE);
  }

  private <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call,
      DecisionEvents.Subject subject,
      CallEvidence proved,
      Ruling ruling,
      RiskSource scores) {
    events.report(subject, proved, ruling, REFUSED, scores);
    call.close(REFUSED, new Metadata());
    return new ServerCall.Listener<>() {};
  }

  /** Runs what gRPC would have run: what it throws ends the call. */
  private static void begin(ServerCall<?, ?> call, Runnable start) {
    try {
      start.run();
    } catch (RuntimeException e) {
      log.atError().setCause(e).log("a service failed to begin a call");
      try {
        call.close(Status.UNKNOWN.withCause(e), new Metadata());
      } catch (IllegalStateException closed) {
        // The service had closed it before it failed.
        log.atDebug().setCause(closed).log("the failed call was closed already");
      }
    }
  }
}
