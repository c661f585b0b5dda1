package io.meshward.schemas;

import java.util.Locale;

/**
 * The record key of a hold on the compacted quarantine topic: {@code kind|trust
 * domain|value|containment id}.
 *
 * <p>A key that parses is enough to refuse the subject: a value that a reader cannot read, or reads
 * only in part, never drops the hold (it then counts as one without {@code issued_before} and
 * without expiry).
 */
public record QuarantineKey(Subject subject, String containment) {
  public QuarantineKey {
    Require.text(containment, "hold.containment");
    if (containment.indexOf('|') >= 0) {
      throw new IllegalArgumentException(
          "hold.containment is '" + containment + "': expected no |");
    }
  }

  /**
   * Reads a key.
   *
   * @throws MalformedEventException if it is not four parts that name a subject and a containment
   */
  public static QuarantineKey parse(String key) {
    String[] parts = key.split("\\|", -1);
    if (parts.length != 4) {
      throw new MalformedEventException(
          "quarantine key '" + key + "': expected kind|trust domain|value|containment id");
    }
    try {
      Subject.Kind kind = Subject.Kind.valueOf(parts[0].toUpperCase(Locale.ROOT));
      TrustDomain domain = parts[1].isEmpty() ? null : TrustDomain.parse(parts[1]);
      return new QuarantineKey(new Subject(kind, domain, parts[2]), parts[3]);
    } catch (IllegalArgumentException e) {
      throw new MalformedEventException("quarantine key '" + key + "': " + e.getMessage(), e);
    }
  }

  @Override
  public String toString() {
    TrustDomain domain = subject.trustDomain();
    return subject.kind().name().toLowerCase(Locale.ROOT)
        + "|"
        + (domain == null ? "" : domain)
        + "|"
        + subject.value()
        + "|"
        + containment;
  }
}
