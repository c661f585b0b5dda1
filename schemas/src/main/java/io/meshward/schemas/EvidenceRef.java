package io.meshward.schemas;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where an event that counts stands on its topic.
 *
 * @param signature what its reporter's signature proved when it was counted; absent of kinds that
 *     are not signed
 * @param signatureReason why it is unverified: a stable code, such as {@code signer}, {@code time},
 *     {@code quarantined} or {@code revoked}
 */
public record EvidenceRef(
    String topic,
    int partition,
    long offset,
    String eventId,
    @Nullable Signature signature,
    @Nullable String signatureReason) {
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
    /**
     * It may be: its signer's certificate leads to no authority that was known, or not then, or its
     * signer is one whom nobody should believe, as one that is quarantined.
     */
    UNVERIFIED,
    /** It has none. */
    NONE;
  }

  /** Of several events that count, the first of those that prove least; null if none is signed. */
  public static @Nullable EvidenceRef least(List<EvidenceRef> evidence) {
    EvidenceRef least = null;
    Signature proved = null;
    for (EvidenceRef each : evidence) {
      Signature one = each.signature();
      if (one != null && (proved == null || one.compareTo(proved) > 0)) {
        proved = one;
        least = each;
      }
    }
    return least;
  }
}
