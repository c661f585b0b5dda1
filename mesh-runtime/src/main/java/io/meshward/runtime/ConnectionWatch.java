package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One connection from its first byte to the verdict about its peer: bounds the handshake in time,
 * judges the peer after it (a resumed session passes no trust manager), reports the outcome once,
 * and sets the deadline at which the connection is drained, then cut. Thread-safe.
 */
final class ConnectionWatch {

  /** Shorter than this, a connection is left to its end instead of being drained before. */
  private static final Duration SHORTEST_DRAIN = Duration.ofSeconds(2);

  private final TrackedConnection connection;
  private final Admission admission;
  private final HandshakeEvents events;
  private boolean reported;
  private boolean failed;
  private @Nullable Future<?> timeout;

  ConnectionWatch(TrackedConnection connection, Admission admission, HandshakeEvents events) {
    this.connection = connection;
    this.admission = admission;
    this.events = events;
  }

  TrackedConnection connection() {
    return connection;
  }

  /** Why the connection was cut, for people. */
  String whyCut() {
    return connection.cutFor().map(Refusal::words).orElse("its handshake failed");
  }

  /** The handshake begins; false if the connection is refused, and cut, without one. */
  synchronized boolean begin(Duration handshakeTimeout) {
    Optional<Verdict.Rejected> refused = refusedUnseen();
    if (refused.isPresent()) {
      refuse(refused.get(), HandshakeFacts.NONE);
      return false;
    }
    timeout =
        connection.after(
            handshakeTimeout,
            () -> {
              failed(HandshakeFailure.TIMEOUT, HandshakeFacts.NONE);
              connection.cut(Refusal.unavailable("the handshake took too long"));
            });
    return true;
  }

  /** What needs no handshake to be refused. */
  private Optional<Verdict.Rejected> refusedUnseen() {
    Optional<Verdict.Rejected> own = admission.ownRefusal(admission.now());
    if (own.isPresent()) {
      return own;
    }
    String ip = connection.ip();
    return ip == null
        ? Optional.empty()
        : admission
            .trust()
            .current()
            .holds()
            .againstStranger(ip, connection.expected(), admission.now())
            .map(hold -> Admission.heldBy(hold, null));
  }

  /** The handshake is over: false if the peer is refused, and the connection cut. */
  synchronized boolean handshaken(HandshakeFacts facts) {
    if (reported) {
      return !failed;
    }
    Trust.Snapshot trust = admission.trust().current();
    return switch (admission.judge(facts.chain(), connection.ip(), connection.expected(), trust)) {
      case Verdict.Rejected rejected -> {
        refuse(rejected, facts);
        yield false;
      }
      case Verdict.Accepted accepted -> {
        admit(accepted, facts, trust);
        // A hold may have come in between, and its cut may have passed this connection by.
        Optional<Verdict.Rejected> late = connection.recheck(admission);
        late.ifPresentOrElse(
            refused -> refuse(refused, facts),
            () -> {
              settle();
              events.succeeded(connection, facts, generation(), accepted.issuerFault());
            });
        yield late.isEmpty();
      }
    };
  }

  /**
   * Something else than TLS has said who the peer is: false if it is refused, and the connection
   * cut.
   *
   * @param proved nothing if it could not say
   * @param by its name
   */
  synchronized boolean authenticated(PeerAuthentication.@Nullable Proved proved, String by) {
    if (reported) {
      return !failed;
    }
    Trust.Snapshot trust = admission.trust().current();
    SpiffeId id = proved == null ? null : proved.id();
    Optional<Verdict.Rejected> refused =
        proved == null
            ? Optional.of(
                new Verdict.Rejected(
                    RejectionReason.UNAUTHENTICATED, null, 0, by + " does not say who the peer is"))
            : id == null
                ? Optional.of(
                    new Verdict.Rejected(
                        RejectionReason.UNKNOWN_ACCOUNT,
                        X509SvidVerifier.clipped(proved.account()),
                        0,
                        "the account stands for no identity"))
                : admission.refusal(id, connection.ip(), trust);
    if (refused.isEmpty() && id != null) {
      connection.admit(id, trust.generation());
      // A hold may have come in between, as after a handshake of TLS.
      refused = connection.recheck(admission);
    }
    if (refused.isPresent()) {
      failed(HandshakeFailure.ofClaim(refused.get()), HandshakeFacts.by(by));
      connection.cut(Refusal.of(refused.get()));
      return false;
    }
    settle();
    events.succeeded(connection, HandshakeFacts.by(by), generation(), null);
    return true;
  }

  /** The handshake did not come to a good end. */
  synchronized void failed(HandshakeFailure failure, HandshakeFacts facts) {
    if (!reported) {
      settle();
      failed = true;
      events.failed(connection, failure, facts, generation());
    }
  }

  /**
   * The connection ends because its peer breaks the rules of HTTP/2.
   *
   * @param rule a code from a fixed set
   */
  void brokeTheRules(String rule) {
    events.brokeTheRules(connection, rule);
  }

  private void refuse(Verdict.Rejected rejected, HandshakeFacts facts) {
    failed(HandshakeFailure.of(rejected), facts);
    connection.cut(Refusal.of(rejected));
  }

  private void admit(Verdict.Accepted accepted, HandshakeFacts facts, Trust.Snapshot trust) {
    PeerIdentity peer =
        new PeerIdentity(
            accepted.id(),
            facts.chain().get(0),
            connection.ip(),
            connection.port(),
            connection.id());
    X509Certificate own = facts.ownLeaf();
    Instant deadline = peer.notAfter();
    if (own != null && own.getNotAfter().toInstant().isBefore(deadline)) {
      deadline = own.getNotAfter().toInstant();
    }
    connection.admit(peer, facts.chain(), deadline, trust.generation());
    Duration left = Duration.between(admission.now(), deadline);
    if (left.compareTo(SHORTEST_DRAIN) > 0) {
      var unused = connection.after(left.multipliedBy(3).dividedBy(4), connection::drain);
    }
    cutAt(deadline);
  }

  /** Timers count by the machine's clock, deadlines by ours: look again when one fires. */
  private void cutAt(Instant deadline) {
    Duration left = Duration.between(admission.now(), deadline);
    if (left.isNegative()) {
      connection.cut(Refusal.SVID_ENDS);
    } else {
      var unused = connection.after(left.plusMillis(1), () -> cutAt(deadline));
    }
  }

  private long generation() {
    return admission.trust().current().generation();
  }

  private void settle() {
    reported = true;
    if (timeout != null) {
      timeout.cancel(false);
    }
  }
}
