package io.meshward.responder;

import io.meshward.rules.ItemNode;
import io.meshward.rules.OutputFormat;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the parameters of each action. Not thread-safe. */
final class ParameterReader {
  private final ItemReader reader;
  private final ItemNode place;

  /**
   * @param place where what is wrong with all of them is reported
   */
  ParameterReader(ItemReader reader, ItemNode place) {
    this.reader = reader;
    this.place = place;
  }

  private Map<String, ItemNode> entries(@Nullable ItemNode parameters, String... known) {
    return parameters == null
        ? Map.of()
        : reader.mapping(parameters, Set.of(known), "the parameters");
  }

  /** Those of {@code identity.quarantine}. */
  ActionTemplate quarantine(@Nullable ItemNode parameters) {
    Map<String, ItemNode> entries = entries(parameters, "scope", "issued-before", "until", "ttl");
    boolean domain =
        reader.word(entries, "scope", "identity", "trust-domain").equals("trust-domain");
    boolean issuedBefore = !reader.word(entries, "issued-before", "", "detection.time").isEmpty();
    boolean untilExpiry = !reader.word(entries, "until", "", "svid.expiry").isEmpty();
    Duration ttl = reader.duration(entries, "ttl").orElse(null);
    if (domain && issuedBefore) {
      reader.wrong(place, "'issued-before' is for one identity, not for a trust domain");
    }
    if (untilExpiry && (!issuedBefore || ttl == null)) {
      reader.wrong(
          place,
          "'until: svid.expiry' needs 'issued-before: detection.time', and a 'ttl' for when the"
              + " expiry is not known");
    }
    return new ActionTemplate.Quarantine(domain, issuedBefore, untilExpiry, ttl);
  }

  /** Those of {@code workload.scale}. */
  ActionTemplate scale(@Nullable ItemNode parameters) {
    return new ActionTemplate.Scale(
        reader.number(entries(parameters, "replicas"), "replicas", 0, 10_000).orElse(0));
  }

  /** Those of {@code pod.isolate}: none. */
  ActionTemplate isolate(@Nullable ItemNode parameters) {
    entries(parameters);
    return new ActionTemplate.Isolate();
  }

  /** Those of {@code notify}; absent if they are wrong. */
  @Nullable ActionTemplate tell(@Nullable ItemNode parameters) {
    Map<String, ItemNode> entries = entries(parameters, "to", "text");
    boolean webhook = reader.word(entries, "to", "log", "webhook").equals("webhook");
    String format = reader.text(entries, "text").orElse("%detection.output");
    try {
      return new ActionTemplate.Notify(
          webhook, OutputFormat.parse(format, PlaybookFields.CATALOGUE));
    } catch (RuntimeException e) {
      reader.wrong(entries.getOrDefault("text", place), "'text': " + e.getMessage());
      return null;
    }
  }
}
