package io.meshward.schemas;

import io.meshward.schemas.EvidenceRef.Signature;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A rule found something: kind {@code detection}.
 *
 * @param group the values of the correlation's group-by fields, in their order; empty without a
 *     window
 * @param window the window that was full; absent for a rule without one
 * @param evidence the events that count, oldest first; bounded by the rule
 * @param target whom it is about
 * @param svid the SVID that was used, if the completing event says
 * @param peer the connection's other side, if the completing event has one
 */
public record Detection(
    Finding detection,
    Map<String, String> group,
    @Nullable Window window,
    List<EvidenceRef> evidence,
    Target target,
    @Nullable SvidRef svid,
    @Nullable Peer peer)
    implements Event {
  public Detection {
    group = Collections.unmodifiableMap(new LinkedHashMap<>(group));
    evidence = List.copyOf(evidence);
  }

  /**
   * The finding.
   *
   * @param id hash of rule, rule version, group key and anchor: the same facts in the same order
   *     give the same id
   * @param version content hash of the effective rule
   * @param source the source of the completing event: {@code falco}, {@code tls}, {@code authz},
   *     {@code svid}
   * @param anchor the id of the event that completed it
   * @param time event time of the anchor
   * @param detectedAt when it was detected, by the detector's clock
   * @param late whether the anchor's event time had to be clamped or lay behind the watermark
   * @param reporter who reported the completing event (its {@code ce_source})
   * @param signature the least that the signature of any event that counts proved; absent if none
   *     is of a kind that is signed
   * @param signatureReason why that is unverified: a stable code, such as {@code signer}, {@code
   *     time}, {@code quarantined} or {@code revoked}
   */
  public record Finding(
      String id,
      String rule,
      String version,
      String priority,
      String source,
      List<String> tags,
      String output,
      String anchor,
      Instant time,
      Instant detectedAt,
      boolean late,
      @Nullable String reporter,
      @Nullable Signature signature,
      @Nullable String signatureReason) {
    public Finding {
      Require.text(id, "detection.id");
      Require.text(rule, "detection.rule");
      Require.text(version, "detection.version");
      Require.text(anchor, "detection.anchor");
      tags = List.copyOf(tags);
    }
  }

  /**
   * The window: event times of its first and last event, how long it may be, and what was counted
   * against which condition.
   */
  public record Window(Instant from, Instant to, long timespanMs, long count, String condition) {
    public Window {
      Require.notNegative(timespanMs, "window.timespan_ms");
      Require.notNegative(count, "window.count");
    }
  }

  /**
   * The SVID that was used, by everything a hold can name.
   *
   * @param notAfter end of its validity, if the completing event says
   */
  public record SvidRef(
      String serial,
      String issuer,
      String spkiSha256,
      Instant notBefore,
      @Nullable Instant notAfter) {}
}
