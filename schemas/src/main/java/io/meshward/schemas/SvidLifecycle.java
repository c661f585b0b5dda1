package io.meshward.schemas;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happened to a workload's own SVID, bundles, policy or event sink: kind {@code
 * svid.lifecycle}.
 */
public record SvidLifecycle(Svid svid, LocalWorkload local) implements Event {

  /** What happened. */
  public enum Change {
    FETCHED,
    ROTATED,
    WITHDRAWN,
    STALLED,
    EXPIRED,
    FETCH_ERROR,
    BUNDLE_CHANGED,
    JWT_FETCHED,
    CRL,
    EVENTS_DROPPED,
    /** Not reported on purpose: allows that were sampled, handshakes of one address in a flood. */
    EVENTS_LEFT_OUT,
    /** Closed at once, because this workload had as many as it takes. */
    CONNECTIONS_REFUSED,
    POLICY_LOADED,
    POLICY_REJECTED,
    TLS_FALLBACK,
    /** A hold refuses the workload itself: it neither serves nor dials. */
    QUARANTINED,
    /** No hold does any more. */
    RELEASED
  }

  /**
   * The facts of the change.
   *
   * @param ttlMs milliseconds from issue to expiry of the SVID
   * @param agePercent how much of its life the replaced SVID had lived, in percent
   * @param error why a fetch failed, why a policy was rejected, why TLS is by the JDK, or which
   *     containment holds the workload or has released it
   * @param streamNumber how often the Workload API stream has been opened
   * @param trustDomain of the SVID, or of the bundle that has changed or could not be refreshed
   * @param bundleSequence of the bundle document that was fetched; the Workload API has none
   * @param dropped how many events were dropped or left out, or connections refused, since the last
   *     report
   * @param droppedClass which class of events that was
   * @param policy name and content hash of the policy in force
   * @param revocationLists how many revocation lists are in force: with each {@code crl}, also
   *     where some could not be read
   * @param revokedSerials how many certificates these name, each counted once, by issuer and serial
   *     number
   */
  public record Svid(
      Change change,
      @Nullable String serial,
      @Nullable String spkiSha256,
      @Nullable Instant notBefore,
      @Nullable Instant notAfter,
      @Nullable Long ttlMs,
      @Nullable Integer agePercent,
      @Nullable String error,
      @Nullable Long streamNumber,
      @Nullable TrustDomain trustDomain,
      @Nullable Long bundleSequence,
      @Nullable List<String> addedKeys,
      @Nullable List<String> removedKeys,
      @Nullable Long dropped,
      @Nullable String droppedClass,
      @Nullable String policy,
      @Nullable Integer revocationLists,
      @Nullable Integer revokedSerials) {
    public Svid {
      addedKeys = addedKeys == null ? null : List.copyOf(addedKeys);
      removedKeys = removedKeys == null ? null : List.copyOf(removedKeys);
    }
  }
}
