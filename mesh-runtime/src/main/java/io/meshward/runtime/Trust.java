package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.Map;

/**
 * What peers are judged by: bundles, holds and revocation lists, as one snapshot with a generation
 * that grows with every change. A verdict of an older generation has to be judged again.
 * Thread-safe.
 */
final class Trust {

  /** One generation. */
  record Snapshot(
      long generation,
      Map<TrustDomain, TrustBundle> bundles,
      Holds holds,
      RevocationLists revocations) {}

  private volatile Snapshot current =
      new Snapshot(0, Map.of(), Holds.unread(), RevocationLists.NONE);

  Snapshot current() {
    return current;
  }

  /** Takes bundles over; false if they are those of before. */
  synchronized boolean bundles(Map<TrustDomain, TrustBundle> bundles) {
    if (current.bundles().equals(bundles)) {
      return false;
    }
    current =
        new Snapshot(current.generation() + 1, bundles, current.holds(), current.revocations());
    return true;
  }

  synchronized void holds(Holds holds) {
    current =
        new Snapshot(current.generation() + 1, current.bundles(), holds, current.revocations());
  }

  /** Takes revocation lists over; false if they are those of before. */
  synchronized boolean revocations(RevocationLists lists) {
    if (current.revocations().equals(lists)) {
      return false;
    }
    current = new Snapshot(current.generation() + 1, current.bundles(), current.holds(), lists);
    return true;
  }
}
