package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whom a reader of events believes: whoever signs with an SVID of one of some authorities, unless a
 * hold or a revocation list refuses that SVID. Immutable.
 */
public final class EventTrust {
  private final Map<TrustDomain, TrustBundle> bundles;
  private final Holds holds;
  private final RevocationLists revocations;

  EventTrust(Map<TrustDomain, TrustBundle> bundles, Holds holds, RevocationLists revocations) {
    this.bundles = bundles;
    this.holds = holds;
    this.revocations = revocations;
  }

  /** Trust in authorities whatever is held, as of a reader that cannot know. */
  public static EventTrust in(Map<TrustDomain, TrustBundle> bundles) {
    return in(bundles, List.of());
  }

  /** Trust in authorities, but in nobody whom one of these holds refuses. */
  public static EventTrust in(Map<TrustDomain, TrustBundle> bundles, Collection<Hold> holds) {
    return new EventTrust(bundles, Holds.of(holds, IdentityPatterns.NONE), RevocationLists.NONE);
  }

  Map<TrustDomain, TrustBundle> bundles() {
    return bundles;
  }

  /**
   * Why somebody whose SVID is good is not believed.
   *
   * @param chain of the SVID, up to one of the authorities
   */
  Optional<Verdict.Rejected> against(SpiffeId id, List<X509Certificate> chain, Instant now) {
    if (!holds.read()) {
      return rejected(
          RejectionReason.QUARANTINE_UNREAD, id, "the quarantine has not been read to its end yet");
    }
    Optional<Hold> hold = holds.against(id, chain.get(0), null, now);
    if (hold.isPresent()) {
      return rejected(
          RejectionReason.QUARANTINED, id, "held by containment " + hold.get().key().containment());
    }
    TrustBundle bundle = bundles.get(id.trustDomain());
    if (bundle == null || !revocations.matter()) {
      return Optional.empty();
    }
    return switch (revocations.of(chain, bundle, now)) {
      case REVOKED ->
          rejected(RejectionReason.REVOKED, id, "a revocation list names its certificate");
      case UNDETERMINED ->
          revocations.undeterminedIsRefused()
              ? rejected(
                  RejectionReason.REVOCATION_UNDETERMINED,
                  id,
                  "no revocation list that is in force covers its chain")
              : Optional.empty();
      case UNREVOKED -> Optional.empty();
    };
  }

  private static Optional<Verdict.Rejected> rejected(
      RejectionReason reason, SpiffeId id, String words) {
    return Optional.of(new Verdict.Rejected(reason, id.toString(), 0, words));
  }
}
