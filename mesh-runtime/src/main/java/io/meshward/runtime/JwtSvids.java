package io.meshward.runtime;

import io.grpc.CallCredentials;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.spiffe.workloadapi.grpc.Workload.JWTSVID;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * JWT-SVIDs: verifies those that callers present, by the bundles that the Workload API streams, and
 * fetches this workload's own. Calls block. Thread-safe.
 */
public final class JwtSvids {
  private static final Duration BUNDLE_DEADLINE = Duration.ofSeconds(5);
  private static final Duration FETCH_DEADLINE = Duration.ofSeconds(10);

  private final WorkloadApi api;
  private final JwtBundleWatch bundles;
  private final Clock clock;
  private final Duration leeway;
  private final Consumer<JwtSvid> fetched;
  private final UnaryOperator<Map<TrustDomain, JwtBundle>> federation;
  private final OwnIdentity own;
  private final SvidChoice choice;
  private final JwtSvidCache cache;

  /**
   * @param leeway by how much an issuer's clock may differ from ours
   * @param fetched hears of each token that this workload is given
   * @param federation adds the bundles that do not come from the Workload API; gives the same
   *     object for the same bundles
   * @param own whose tokens this workload presents
   * @param choice whose they are before there is a first SVID
   */
  JwtSvids(
      WorkloadApi api,
      Clock clock,
      Duration leeway,
      RandomGenerator random,
      Consumer<JwtSvid> fetched,
      UnaryOperator<Map<TrustDomain, JwtBundle>> federation,
      OwnIdentity own,
      SvidChoice choice) {
    this.api = api;
    this.clock = clock;
    this.leeway = leeway;
    this.fetched = fetched;
    this.federation = federation;
    this.own = own;
    this.choice = choice;
    this.cache =
        new JwtSvidCache(
            audience -> fetchOwn(List.of(audience)),
            this::isOwn,
            clock,
            task -> Thread.ofVirtual().name("meshward-jwt-svid").start(task));
    this.bundles = new JwtBundleWatch(api, random);
    bundles.open();
  }

  /**
   * Verifies a token (JWT-SVID 4): one of nine algorithms, a signature by an authority of the very
   * trust domain that the subject names, an expiry that is to come, and this audience among those
   * it is for. Waits some seconds for the first bundles.
   *
   * @param audience the name of this side, which the token must be meant for
   * @throws JwtSvidRejectedException naming the rule that the token breaks
   * @throws MeshRuntimeException if there are no bundles to verify by
   * @throws IllegalArgumentException if the audience is empty
   */
  public JwtSvid validate(String token, String audience) {
    return JwtSvidVerifier.verify(token, audience, bundles(), clock.instant(), leeway);
  }

  /**
   * The JWT authorities of a trust domain, as the Workload API tells them; none if it does not.
   *
   * @throws MeshRuntimeException if it tells nothing at all
   */
  List<JwtAuthority> authorities(TrustDomain trustDomain) {
    JwtBundle bundle = bundles.current(BUNDLE_DEADLINE).get(trustDomain);
    return bundle == null ? List.of() : bundle.authorities();
  }

  /**
   * The bundles to verify by, the fetched ones among them; waits some seconds for the first ones.
   *
   * @throws MeshRuntimeException if there are none
   */
  Map<TrustDomain, JwtBundle> bundles() {
    return federation.apply(bundles.current(BUNDLE_DEADLINE));
  }

  /** The same if there are any; never waits. */
  @Nullable Map<TrustDomain, JwtBundle> bundlesNow() {
    Map<TrustDomain, JwtBundle> now = bundles.now();
    return now == null ? null : federation.apply(now);
  }

  /**
   * Fetches a token for each identity of this workload.
   *
   * @param audience whom the tokens are to be presented to; best a single name, since each of them
   *     can present the token to the others
   * @throws MeshRuntimeException if the Workload API refuses, does not answer within ten seconds,
   *     or answers with anything that breaks the standard
   * @throws IllegalArgumentException if no audience is given, or an empty one
   */
  public List<JwtSvid> fetch(Collection<String> audience) {
    return fetchOf(null, audience);
  }

  /** Fetches a token for one identity of this workload, otherwise as {@link #fetch(Collection)}. */
  public JwtSvid fetch(SpiffeId id, Collection<String> audience) {
    return fetchOf(id, audience).get(0);
  }

  /**
   * Fetches a token of the identity that this workload uses, otherwise as {@link
   * #fetch(Collection)}. Before the first SVID it is the one that is chosen among all.
   */
  JwtSvid fetchOwn(Collection<String> audience) {
    SpiffeId id = own.id();
    if (id != null) {
      return fetch(id, audience);
    }
    return fetchOf(choice.id(), audience).stream()
        .filter(
            svid -> choice.matches(svid.id().toString(), svid.hint() == null ? "" : svid.hint()))
        .findFirst()
        .orElseThrow(
            () -> new MeshRuntimeException("no JWT-SVID is offered that goes with " + choice));
  }

  private boolean isOwn(JwtSvid svid) {
    return svid.id().equals(own.id());
  }

  /**
   * Sends a token of the identity that this workload uses with each call: {@code
   * stub.withCallCredentials(…)}. Tokens are kept, and fetched again once half of their life is
   * over; a call for which none can be had fails as unavailable.
   *
   * @param audience the one name that the token is meant for: that of the called service
   * @throws IllegalArgumentException if it is empty
   */
  public CallCredentials callCredentials(String audience) {
    if (audience.isEmpty()) {
      throw new IllegalArgumentException("an audience is expected, was empty");
    }
    return new JwtCallCredentials(cache, audience);
  }

  private List<JwtSvid> fetchOf(@Nullable SpiffeId id, Collection<String> audience) {
    if (audience.isEmpty() || audience.contains("")) {
      throw new IllegalArgumentException(
          "the audience is " + audience + ": expected at least one name, and none that is empty");
    }
    JWTSVIDRequest.Builder request = JWTSVIDRequest.newBuilder().addAllAudience(audience);
    if (id != null) {
      request.setSpiffeId(id.toString());
    }
    if (api.isClosed()) {
      throw new MeshRuntimeException("no JWT-SVID: the client is closed");
    }
    Answer answer = new Answer();
    api.execute(
        () ->
            api.stub()
                .withDeadlineAfter(FETCH_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                .fetchJWTSVID(request.build(), answer));
    try {
      List<JwtSvid> svids = read(answer.await(), id, audience);
      svids.forEach(fetched);
      return svids;
    } catch (BadResponseException e) {
      throw new MeshRuntimeException("discarded an answer of the Workload API: " + e.getMessage());
    }
  }

  /** All of the answer is good, or none of it is used (SPIFFE Workload API 4.5 and 6.2.1). */
  private List<JwtSvid> read(
      JWTSVIDResponse answer, @Nullable SpiffeId requested, Collection<String> audience)
      throws BadResponseException {
    List<JwtSvid> svids = new ArrayList<>();
    Set<String> hints = new HashSet<>();
    for (JWTSVID message : answer.getSvidsList()) {
      if (message.getSpiffeId().isEmpty() || message.getSvid().isEmpty()) {
        throw new BadResponseException("a JWT-SVID has an empty spiffe_id or svid");
      }
      JwtSvid svid = read(message, audience);
      if (requested != null && !requested.equals(svid.id())) {
        throw new BadResponseException(
            "a JWT-SVID is of " + svid.id() + " and not of " + requested);
      }
      // Of several with one hint the first is meant.
      if (message.getHint().isEmpty() || hints.add(message.getHint())) {
        svids.add(svid);
      }
    }
    if (svids.isEmpty()) {
      throw new BadResponseException("it has no JWT-SVID");
    }
    return List.copyOf(svids);
  }

  private JwtSvid read(JWTSVID message, Collection<String> audience) throws BadResponseException {
    try {
      JwtSvid svid = JwtSvidVerifier.readOwn(message.getSvid(), clock.instant(), leeway);
      if (!svid.id().equals(SpiffeId.parse(message.getSpiffeId()))) {
        throw new BadResponseException(
            "the JWT-SVID of " + message.getSpiffeId() + " is a token of " + svid.id());
      }
      if (!svid.audience().containsAll(audience)) {
        throw new BadResponseException(
            "a JWT-SVID is for " + svid.audience() + " and not for all of " + audience);
      }
      return svid.withHint(message.getHint().isEmpty() ? null : message.getHint());
    } catch (JwtSvidRejectedException | InvalidSpiffeIdException e) {
      throw new BadResponseException(
          "the JWT-SVID of " + message.getSpiffeId() + " is refused: " + e.getMessage());
    }
  }

  /** The answer to one request. */
  private final class Answer implements StreamObserver<JWTSVIDResponse> {
    private final CompletableFuture<JWTSVIDResponse> response = new CompletableFuture<>();

    @Override
    public void onNext(JWTSVIDResponse message) {
      response.complete(message);
    }

    @Override
    public void onError(Throwable failure) {
      response.completeExceptionally(
          new MeshRuntimeException(
              "no JWT-SVID: " + api.words(Status.fromThrowable(failure)), failure));
    }

    @Override
    public void onCompleted() {
      response.completeExceptionally(new MeshRuntimeException("no JWT-SVID: an empty answer"));
    }

    JWTSVIDResponse await() {
      try {
        // The call's own deadline comes first; this one is for a client that is closed meanwhile.
        return response.get(FETCH_DEADLINE.toMillis() + 1_000, TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        throw e.getCause() instanceof MeshRuntimeException known
            ? known
            : new MeshRuntimeException("no JWT-SVID: " + e.getMessage(), e);
      } catch (TimeoutException e) {
        throw new MeshRuntimeException("no JWT-SVID: the client is closed", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new MeshRuntimeException("interrupted while fetching a JWT-SVID", e);
      }
    }
  }
}
