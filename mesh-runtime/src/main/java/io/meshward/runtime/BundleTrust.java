package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.Map;

/**
 * Judges peers by the bundles that the identity source says and those that were fetched, as both
 * are now. Thread-safe.
 */
final class BundleTrust {
  private final OwnIdentity own;
  private final Federation federation;
  private final Trust trust;
  private final KafkaIdentity kafka;
  private final LifecycleEvents lifecycle;
  private final ConnectionTracker tracker;

  BundleTrust(
      OwnIdentity own,
      Federation federation,
      Trust trust,
      KafkaIdentity kafka,
      LifecycleEvents lifecycle,
      ConnectionTracker tracker) {
    this.own = own;
    this.federation = federation;
    this.trust = trust;
    this.kafka = kafka;
    this.lifecycle = lifecycle;
    this.tracker = tracker;
  }

  /** Live connections are judged again if anything changed. */
  synchronized void renew() {
    own.latest().ifPresent(this::renew);
  }

  private void renew(WorkloadIdentity identity) {
    Map<TrustDomain, TrustBundle> before = trust.current().bundles();
    Map<TrustDomain, TrustBundle> joined =
        federation.join(identity.bundles(), identity.svid().id().trustDomain());
    kafka.trust(joined);
    if (trust.bundles(joined)) {
      lifecycle.fetchedBundles(before, joined, identity.bundles().keySet(), federation::sequence);
      tracker.judgeAgain();
    }
  }
}
