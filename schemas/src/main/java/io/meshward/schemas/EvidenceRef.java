package io.meshward.schemas;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where an event that counts stands on its topic.
 *
 * @param signature what its reporter's signature proved when it was counted; absent of kinds that
 *     are not signed
 */
public record EvidenceRef(
    String topic, int partition, long offset, String eventId, @Nullable Signature signature) {
  public EvidenceRef {
    Require.text(topic, "evidence.topic");
    Require.notNegative(partition, "evidence.partition");
    Require.notNegative(offset, "evidence.offset");
    Require.text(eventId, "evidence.event_id");
  }

  /**
   * What the signature of an event that counts proved, from most to least. One that is proved false
   * does not count.
   */
  public enum Signature {
    /** It is what the reporter in {@code ce_source} sent. */
    VALID,
    /** It may be: its signer's certificate leads to no authority that was known, or not then. */
    UNVERIFIED,
    /** It has none. */
    NONE;

    /** What several events prove together, which is what the least of them does; null if none. */
    public static @Nullable Signature least(List<EvidenceRef> evidence) {
      Signature least = null;
      for (EvidenceRef each : evidence) {
        Signature one = each.signature();
        if (one != null && (least == null || one.compareTo(least) > 0)) {
          least = one;
        }
      }
      return least;
    }
  }
}
