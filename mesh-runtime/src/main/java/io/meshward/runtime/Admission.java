package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a peer may be spoken to: this workload has an identity itself, which no hold
 * refuses (what is quarantined is so at both sides), the peer's chain is a valid X.509-SVID of the
 * ID that is expected, and neither a hold nor a revocation list refuses it. Asked in the handshake,
 * after it, when the transport is ready, and again for a call when trust has changed. Thread-safe.
 */
final class Admission {
  private final OwnIdentity own;
  private final Trust trust;
  private final Clock clock;
  private final SvidProfile profile;
  private final Verified<List<X509Certificate>, Verdict> verified = new Verified<>();
  private volatile @Nullable OwnHold ownHold;

  /** What holds make of this workload itself, with the SVID of one generation. */
  private record OwnHold(Holds holds, long generation, Optional<Hold> hold) {}

  Admission(OwnIdentity own, Trust trust, Clock clock, SvidProfile profile) {
    this.own = own;
    this.trust = trust;
    this.clock = clock;
    this.profile = profile;
  }

  Trust trust() {
    return trust;
  }

  Instant now() {
    return clock.instant();
  }

  boolean hasOwnSvid() {
    return own.isUsableAt(clock.instant());
  }

  /** Why this workload itself may neither serve nor dial; empty if it may. Asked for each call. */
  Optional<Verdict.Rejected> ownRefusal(Instant now) {
    return ownRefusal(trust.current().holds(), now);
  }

  private Optional<Verdict.Rejected> ownRefusal(Holds holds, Instant now) {
    if (!own.isUsableAt(now)) {
      return Optional.of(
          rejected(RejectionReason.NO_OWN_SVID, null, "this workload has no valid SVID"));
    }
    return ownHold(holds, now).map(Admission::ownHeldBy);
  }

  /** What becomes of everybody because of a hold that refuses this workload itself. */
  static Verdict.Rejected ownHeldBy(Hold hold) {
    return rejected(
        RejectionReason.OWN_QUARANTINED,
        null,
        "own identity is quarantined by containment " + hold.key().containment());
  }

  /**
   * What becomes of a peer because of a hold that refuses it.
   *
   * @param id its ID, where it is told
   */
  static Verdict.Rejected heldBy(Hold hold, @Nullable SpiffeId id) {
    return rejected(
        RejectionReason.QUARANTINED, id, "held by containment " + hold.key().containment());
  }

  /** Whether one of some holds refuses this workload itself with the SVID that it has now. */
  boolean isHeldItself(Holds holds, Instant now) {
    return own.usable()
        .flatMap(identity -> holds.against(identity.svid().id(), identity.svid().leaf(), null, now))
        .isPresent();
  }

  /** A hold in force that refuses this workload itself with the SVID that it has now, if any. */
  Optional<Hold> ownHold() {
    return ownHold(trust.current().holds(), clock.instant());
  }

  private static Optional<Hold> against(Holds holds, WorkloadIdentity own, Instant now) {
    return holds.against(own.svid().id(), own.svid().leaf(), null, now);
  }

  private Optional<Hold> ownHold(Holds holds, Instant now) {
    if (holds.isEmpty()) {
      return Optional.empty();
    }
    WorkloadIdentity identity = own.usable().orElse(null);
    if (identity == null) {
      return Optional.empty();
    }
    OwnHold known = ownHold;
    if (known == null
        || known.holds() != holds
        || known.generation() != identity.generation()
        || known.hold().filter(hold -> !hold.livesAt(now)).isPresent()) {
      known = new OwnHold(holds, identity.generation(), against(holds, identity, now));
      ownHold = known;
    }
    return known.hold();
  }

  /**
   * Judges a chain under one generation of trust.
   *
   * @param presented the leaf first; in what order the others come does not matter
   * @param ip the peer's address, where it is known
   * @param expected the only ID that will do, if one is expected
   */
  Verdict judge(
      List<X509Certificate> presented,
      @Nullable String ip,
      @Nullable SpiffeId expected,
      Trust.Snapshot snapshot) {
    Instant now = clock.instant();
    Optional<Verdict.Rejected> own = ownRefusal(snapshot.holds(), now);
    if (own.isPresent()) {
      return own.get();
    }
    List<X509Certificate> chain = SentChain.ordered(presented, now);
    Verdict verdict = verify(chain, snapshot.bundles(), now);
    if (!(verdict instanceof Verdict.Accepted accepted)) {
      return verdict;
    }
    SpiffeId id = accepted.id();
    if (expected != null && !expected.equals(id)) {
      return rejected(RejectionReason.UNEXPECTED_PEER_ID, id, "expected " + expected);
    }
    if (!snapshot.holds().read()) {
      return rejected(
          RejectionReason.QUARANTINE_UNREAD, id, "the quarantine has not been read to its end yet");
    }
    Optional<Hold> hold = snapshot.holds().against(id, chain.get(0), ip, now);
    if (hold.isPresent()) {
      return heldBy(hold.get(), id);
    }
    RevocationStatus status = revocation(chain, id, snapshot);
    if (status == RevocationStatus.REVOKED) {
      return rejected(RejectionReason.REVOKED, id, "a revocation list names its certificate");
    }
    return status == RevocationStatus.UNDETERMINED && snapshot.revocations().undeterminedIsRefused()
        ? rejected(
            RejectionReason.REVOCATION_UNDETERMINED,
            id,
            "no revocation list that is in force covers its chain")
        : verdict;
  }

  /**
   * Verifies a chain, or remembers that it was verified: by the same authorities, at a time since
   * which none of its certificates and none of those authorities has come to its end. A handshake
   * judges its peer twice, and peers come again.
   */
  private Verdict verify(
      List<X509Certificate> chain, Map<TrustDomain, TrustBundle> bundles, Instant now) {
    Verdict known = verified.find(chain, bundles, now);
    if (known != null) {
      return known;
    }
    Verdict verdict = X509SvidVerifier.verify(chain, bundles, now, this::isStrictFor);
    // What breaks a rule for issuers is judged by who this workload is, too.
    if (verdict instanceof Verdict.Accepted accepted && accepted.issuerFault() == null) {
      TrustBundle bundle = bundles.get(accepted.id().trustDomain());
      if (bundle != null) {
        verified.put(List.copyOf(chain), verdict, bundles, now, end(chain, bundle, now));
      }
    }
    return verdict;
  }

  private static Instant end(List<X509Certificate> chain, TrustBundle bundle, Instant now) {
    return Stream.concat(
            chain.stream(), bundle.anchors(now).stream().map(TrustAnchor::getTrustedCert))
        .map(certificate -> certificate.getNotAfter().toInstant())
        .min(Instant::compareTo)
        .orElse(now);
  }

  /** What revocation lists say of a chain; nothing if there are none to look at. */
  @Nullable RevocationStatus revocation(
      List<X509Certificate> chain, SpiffeId id, Trust.Snapshot snapshot) {
    TrustBundle bundle = snapshot.bundles().get(id.trustDomain());
    return bundle == null || !snapshot.revocations().matter()
        ? null
        : snapshot.revocations().of(chain, bundle, clock.instant());
  }

  /**
   * Why a peer is refused that something else than TLS authenticated; empty if it is not. It has no
   * certificate, so holds on a serial number or a key, and those with {@code issuedBefore}, do not
   * apply.
   */
  Optional<Verdict.Rejected> refusal(SpiffeId id, @Nullable String ip, Trust.Snapshot snapshot) {
    Holds holds = snapshot.holds();
    Optional<Verdict.Rejected> own = ownRefusal(holds, clock.instant());
    if (own.isPresent()) {
      return own;
    }
    return holds.read()
        ? holds.against(id, ip, clock.instant()).map(hold -> heldBy(hold, id))
        : Optional.of(
            rejected(
                RejectionReason.QUARANTINE_UNREAD,
                id,
                "the quarantine has not been read to its end yet"));
  }

  private boolean isStrictFor(TrustDomain peer) {
    SpiffeId self = own.id();
    return profile.isStrictFor(peer, self == null ? null : self.trustDomain());
  }

  private static Verdict.Rejected rejected(
      RejectionReason reason, @Nullable SpiffeId id, String words) {
    return new Verdict.Rejected(reason, id == null ? null : id.toString(), 0, words);
  }
}
