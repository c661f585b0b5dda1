package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what calls carry to prove identities beside the peer's: a JWT-SVID, a delegation, a client
 * that an allowed proxy vouches for. What is known already is judged at once; what takes a
 * signature is verified on another thread, for at most {@value #MOST_AT_ONCE} calls at a time, and
 * {@value #MOST_OF_ONE} of one peer. Thread-safe.
 */
final class EvidenceVerifier {
  private static final Logger log = LoggerFactory.getLogger(EvidenceVerifier.class);
  private static final int MOST_AT_ONCE = 256;
  private static final int MOST_OF_ONE = 32;

  /** Of a call that carries none. */
  static final CompletableFuture<CallEvidence> NONE =
      CompletableFuture.completedFuture(CallEvidence.NONE);

  private final @Nullable CallTokens tokens;
  private final DelegationVerifier delegations;
  private final TrustedProxies proxies;
  private final Executor executor;
  private final Semaphore room = new Semaphore(MOST_AT_ONCE);

  /** How many calls of a peer are being verified; a peer without any is not in it. */
  private final Map<SpiffeId, Integer> verifying = new ConcurrentHashMap<>();

  /**
   * @param tokens absent if JWT-SVIDs are none of this server's business
   * @param executor verifies signatures, which takes a fraction of a millisecond each
   */
  EvidenceVerifier(
      @Nullable CallTokens tokens,
      DelegationVerifier delegations,
      TrustedProxies proxies,
      Executor executor) {
    this.tokens = tokens;
    this.delegations = delegations;
    this.proxies = proxies;
    this.executor = executor;
  }

  /** The evidence of a call, which never comes as a failure. */
  CompletableFuture<CallEvidence> of(Metadata headers, SpiffeId peer) {
    String token = tokens == null ? null : CallTokens.bearer(headers);
    String delegation = DelegationVerifier.take(headers);
    String forwarded = proxies.forwarded(headers, peer);
    if (token == null && delegation == null && forwarded == null) {
      return NONE;
    }
    if ((token == null || tokens == null || tokens.isKnown(token))
        && (delegation == null || delegations.isKnown(delegation))) {
      return CompletableFuture.completedFuture(judge(token, delegation, forwarded, peer));
    }
    if (!begin(peer)) {
      return CompletableFuture.completedFuture(
          CallEvidence.refused("verification_overloaded", null));
    }
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return judge(token, delegation, forwarded, peer);
          } finally {
            end(peer);
          }
        },
        executor);
  }

  private boolean begin(SpiffeId peer) {
    if (verifying.merge(peer, 1, Integer::sum) > MOST_OF_ONE) {
      leave(peer);
      return false;
    }
    if (!room.tryAcquire()) {
      leave(peer);
      return false;
    }
    return true;
  }

  private void end(SpiffeId peer) {
    room.release();
    leave(peer);
  }

  private void leave(SpiffeId peer) {
    verifying.computeIfPresent(peer, (id, calls) -> calls == 1 ? null : calls - 1);
  }

  private CallEvidence judge(
      @Nullable String token,
      @Nullable String delegation,
      @Nullable String forwarded,
      SpiffeId peer) {
    try {
      if (delegation != null && forwarded != null) {
        throw new EvidenceRejectedException("delegation_twice");
      }
      Delegation onBehalfOf =
          delegation != null
              ? delegations.judge(delegation, peer)
              : forwarded != null ? proxies.judge(forwarded, peer) : null;
      return CallEvidence.given(
          token == null || tokens == null ? null : tokens.judge(token, peer), onBehalfOf);
    } catch (EvidenceRejectedException e) {
      return CallEvidence.refused(e.reason(), e.token());
    } catch (RuntimeException e) {
      // A failure would leave the call waiting for ever.
      log.atError().setCause(e).log("what a call carries could not be judged: it is refused");
      return CallEvidence.refused("verification_failed", null);
    }
  }
}
