package io.meshward.runtime;

import io.grpc.Context;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * On whose behalf the caller of a call acts, beside itself: proved by each of them with its SVID's
 * key, or vouched for by an allowed proxy. The policy has allowed the call to all of them. What is
 * proved is passed on by channels of {@link MeshChannelBuilder#delegating}. A proxy's word is not,
 * since nobody has signed it: whoever was called by a proxy begins a delegation of its own.
 * Immutable.
 */
public final class Delegation {
  static final Context.Key<Delegation> KEY = Context.key("meshward.delegation");

  private final List<SpiffeId> chain;
  private final @Nullable String tokens;

  /**
   * @param chain who acts, the originator first, without the peer itself; empty if the peer is the
   *     originator
   * @param tokens the proof, to be passed on; absent if there is none
   */
  Delegation(List<SpiffeId> chain, @Nullable String tokens) {
    this.chain = List.copyOf(chain);
    this.tokens = tokens;
  }

  /**
   * The delegation of the call that is being served; nothing if its caller acts for itself alone,
   * and outside of a call.
   */
  public static Optional<Delegation> current() {
    return Optional.ofNullable(KEY.get()).filter(delegation -> !delegation.chain.isEmpty());
  }

  /** Who began it. */
  public SpiffeId originator() {
    return chain.get(0);
  }

  /** All on whose behalf the caller acts: the originator, then those in between. */
  public List<SpiffeId> chain() {
    return chain;
  }

  @Nullable String tokens() {
    return tokens;
  }

  @Override
  public String toString() {
    return "Delegation" + chain;
  }
}
