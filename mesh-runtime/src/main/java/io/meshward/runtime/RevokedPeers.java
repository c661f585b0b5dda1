package io.meshward.runtime;

/**
 * Applies revocation lists to all that a runtime speaks with: the peers of gRPC and of plain TLS,
 * whose live connections are judged again, and the brokers of its Kafka clients. Thread-safe.
 */
final class RevokedPeers implements Revocations.Follower {
  private final Trust trust;
  private final KafkaIdentity kafka;
  private final ConnectionTracker tracker;
  private final LifecycleEvents events;

  RevokedPeers(
      Trust trust, KafkaIdentity kafka, ConnectionTracker tracker, LifecycleEvents events) {
    this.trust = trust;
    this.kafka = kafka;
    this.tracker = tracker;
    this.events = events;
  }

  @Override
  public void follow(RevocationLists lists, boolean changed) {
    kafka.revoke(lists);
    if (trust.revocations(lists)) {
      tracker.judgeAgain();
    }
    if (changed) {
      events.revocationListsChanged(lists);
    }
  }

  @Override
  public void unreadable(String problem, RevocationLists inForce) {
    events.revocationListsUnreadable(problem, inForce);
  }
}
