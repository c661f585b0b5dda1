package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One connection from its first byte to its end: who is at the other side, once the handshake has
 * proved it, and a way to cut it. Thread-safe.
 */
final class TrackedConnection {

  /** A peer that was let in. */
  private sealed interface Admitted {}

  /**
   * By its SVID.
   *
   * @param chain what it proved itself with
   * @param deadline the first instant at which the peer's or this side's SVID is over
   */
  private record BySvid(PeerIdentity peer, List<X509Certificate> chain, Instant deadline)
      implements Admitted {}

  /** By something else than TLS. */
  private record Foreign(SpiffeId id) implements Admitted {}

  private final String id;
  private final Role role;
  private final ConnectionLink link;
  private final @Nullable SpiffeId expected;
  private volatile @Nullable Admitted admitted;

  /** The generation of trust of the last good verdict. */
  private volatile long generation = -1;

  private volatile @Nullable Refusal cutFor;

  /**
   * @param expected the only peer that will do, if one is expected
   */
  TrackedConnection(String id, Role role, ConnectionLink link, @Nullable SpiffeId expected) {
    this.id = id;
    this.role = role;
    this.link = link;
    this.expected = expected;
  }

  String id() {
    return id;
  }

  Role role() {
    return role;
  }

  @Nullable SpiffeId expected() {
    return expected;
  }

  @Nullable String ip() {
    return link.ip();
  }

  @Nullable Integer port() {
    return link.port();
  }

  /** The peer, if it was let in by its SVID. */
  Optional<PeerIdentity> peer() {
    return admitted instanceof BySvid svid ? Optional.of(svid.peer()) : Optional.empty();
  }

  /** Who the peer is, if it was let in. */
  Optional<SpiffeId> peerId() {
    return switch (admitted) {
      case null -> Optional.empty();
      case BySvid svid -> Optional.of(svid.peer().id());
      case Foreign foreign -> Optional.of(foreign.id());
    };
  }

  void admit(PeerIdentity peer, List<X509Certificate> chain, Instant deadline, long generation) {
    this.admitted = new BySvid(peer, List.copyOf(chain), deadline);
    this.generation = generation;
  }

  /** Lets a peer in that something else than TLS authenticated. */
  void admit(SpiffeId id, long generation) {
    this.admitted = new Foreign(id);
    this.generation = generation;
  }

  /** A hold that refuses the peer, if it was let in. */
  Optional<Hold> heldBy(Holds holds, Instant now) {
    return switch (admitted) {
      case null -> Optional.empty();
      case BySvid svid ->
          holds.against(svid.peer().id(), svid.peer().certificate(), svid.peer().ip(), now);
      case Foreign foreign -> holds.against(foreign.id(), ip(), now);
    };
  }

  /**
   * Whether the peer may still be spoken to: cheap, unless trust has changed since the last time.
   *
   * @return why not, or nothing
   */
  Optional<Verdict.Rejected> recheck(Admission admission) {
    Admitted let = admitted;
    if (let == null) {
      return refused(RejectionReason.NO_CLIENT_CERT, "the handshake admitted no peer");
    }
    Instant now = admission.now();
    Optional<Verdict.Rejected> own = admission.ownRefusal(now);
    if (own.isPresent()) {
      return own;
    }
    if (let instanceof BySvid svid && now.isAfter(svid.deadline())) {
      return refused(RejectionReason.EXPIRED, "an SVID of this connection is over");
    }
    Trust.Snapshot trust = admission.trust().current();
    if (trust.generation() == generation) {
      return Optional.empty();
    }
    Optional<Verdict.Rejected> refused =
        switch (let) {
          case BySvid svid ->
              admission.judge(svid.chain(), ip(), expected, trust)
                      instanceof Verdict.Rejected rejected
                  ? Optional.of(rejected)
                  : Optional.empty();
          case Foreign foreign -> admission.refusal(foreign.id(), ip(), trust);
        };
    if (refused.isEmpty()) {
      generation = trust.generation();
    }
    return refused;
  }

  /** Judges the peer again where the connection lives, and cuts it if it does not stand. */
  void judgeAgain(Admission admission) {
    if (admitted != null) {
      link.thread()
          .execute(() -> recheck(admission).ifPresent(refused -> cut(Refusal.of(refused))));
    }
  }

  /** Where the connection lives. */
  Executor thread() {
    return link.thread();
  }

  /**
   * Ends the connection now, without a word to the peer; what is in flight fails.
   *
   * @param why what this side's callers are told
   */
  void cut(Refusal why) {
    endsFor(why);
    link.cut();
  }

  /** Says why the connection is about to be cut, before its thread comes to do it. */
  void endsFor(Refusal why) {
    if (cutFor == null) {
      cutFor = why;
    }
  }

  /** Why this side cut the connection, if it did. */
  Optional<Refusal> cutFor() {
    return Optional.ofNullable(cutFor);
  }

  /** Lets calls in flight end, and no new one begin. */
  void drain() {
    link.drain();
  }

  void onClose(Runnable task) {
    link.onClose(task);
  }

  /** Does something later, unless the connection is gone or this is cancelled. */
  Future<?> after(Duration wait, Runnable task) {
    return link.after(wait, task);
  }

  private static Optional<Verdict.Rejected> refused(RejectionReason reason, String words) {
    return Optional.of(new Verdict.Rejected(reason, null, 0, words));
  }
}
