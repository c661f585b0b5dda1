package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One hold: while it lives, its subject is refused by every peer: kind {@code quarantine}.
 *
 * @param extensions fields this version does not know, kept
 */
public record Quarantine(
    Hold hold, Subject subject, @JsonAnySetter @JsonAnyGetter Map<String, JsonNode> extensions)
    implements Event {
  public Quarantine {
    extensions = extensions == null ? Map.of() : Map.copyOf(new TreeMap<>(extensions));
    if (hold.issuedBefore() != null && subject.kind() != Subject.Kind.SPIFFE_ID) {
      throw new IllegalArgumentException(
          "hold.issued_before is set: expected it only for a SPIFFE ID");
    }
  }

  /** A hold without unknown fields. */
  public Quarantine(Hold hold, Subject subject) {
    this(hold, subject, Map.of());
  }

  /** The key this hold is written under. */
  public QuarantineKey key() {
    return new QuarantineKey(subject, hold.containment());
  }

  /**
   * Why and how long.
   *
   * @param containment the containment that placed it
   * @param issuedBefore refuse only SVIDs issued (notBefore) earlier than this; a rotated one is
   *     served
   * @param expiresAt when it ends by itself, judged by the reader's clock; never, if absent
   */
  public record Hold(
      String containment,
      String reason,
      String actor,
      Instant placedAt,
      @Nullable Instant expiresAt,
      @Nullable Instant issuedBefore) {
    public Hold {
      Require.text(containment, "hold.containment");
    }
  }
}
