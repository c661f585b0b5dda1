package io.meshward.runtime;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
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
 * Decides about every call to a server: is its connection still good, does the policy allow it, and
 * does an external decision point, if there is one, allow it too. The caller's identity goes on in
 * the {@link Context}, claims of identity in its metadata do not. A refused caller learns only that
 * it is refused; the reason is in the event.
 */
final class CallGate implements ServerInterceptor {
  private static final Logger log = LoggerFactory.getLogger(CallGate.class);
  private static final Status REFUSED = Status.PERMISSION_DENIED.withDescription("refused");

  private final Admission admission;
  private final Supplier<PolicySet> policies;
  private final RiskSource risk;
  private final @Nullable DecisionPoint decisionPoint;
  private final Executor executor;
  private final DecisionEvents events;
  private final Clock clock;

  /**
   * @param decisionPoint asked about calls that the policy allows
   * @param executor runs the calls that it had to be waited for
   */
  CallGate(
      Admission admission,
      Supplier<PolicySet> policies,
      RiskSource risk,
      @Nullable DecisionPoint decisionPoint,
      Executor executor,
      DecisionEvents events,
      Clock clock) {
    this.admission = admission;
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
    List<String> claims = SpoofedMetadata.strip(headers);
    TrackedConnection connection = call.getAttributes().get(PeerTransportFilter.CONNECTION);
    ConnectionFacts facts = call.getAttributes().get(PeerTransportFilter.FACTS);
    DecisionEvents.Subject subject =
        new DecisionEvents.Subject(
            call.getMethodDescriptor(), headers, connection, facts, claims, begin);
    if (connection == null || facts == null) {
      return refuse(call, subject, Ruling.ofConnection("no_peer"));
    }
    Optional<Verdict.Rejected> late = connection.recheck(admission);
    if (late.isPresent()) {
      connection.cut();
      return refuse(call, subject, Ruling.ofConnection(late.get().reason().code()));
    }
    CallFacts asked =
        new CallFacts(
            facts,
            call.getMethodDescriptor().getFullMethodName(),
            headers,
            TokenClaims.ABSENT,
            risk,
            clock);
    Ruling ruling = Ruling.of(policies.get(), asked);
    if (!ruling.allowed()) {
      return refuse(call, subject, ruling);
    }
    Context context = Context.current().withValue(PeerIdentity.KEY, facts.peer());
    if (decisionPoint == null) {
      events.report(subject, ruling, null);
      return Contexts.interceptCall(context, call, headers, next);
    }
    CompletableFuture<DecisionPoint.Answer> answer = decisionPoint.ask(asked);
    if (answer.isDone()) {
      Ruling both = ruling.and(answer.join());
      if (!both.allowed()) {
        return refuse(call, subject, both);
      }
      events.report(subject, both, null);
      return Contexts.interceptCall(context, call, headers, next);
    }
    DeferredCall<Q> deferred = new DeferredCall<>();
    var unused =
        answer.thenAcceptAsync(
            given -> {
              Ruling both = ruling.and(given);
              if (both.allowed()) {
                events.report(subject, both, null);
                begin(
                    call,
                    () -> deferred.open(Contexts.interceptCall(context, call, headers, next)));
              } else {
                deferred.open(refuse(call, subject, both));
              }
            },
            executor);
    return deferred;
  }

  private <Q> ServerCall.Listener<Q> refuse(
      ServerCall<Q, ?> call, DecisionEvents.Subject subject, Ruling ruling) {
    events.report(subject, ruling, REFUSED);
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
