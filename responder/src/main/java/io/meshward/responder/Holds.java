package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code identity.quarantine}: the hold of a containment on an identity. It needs no cluster: the
 * hold is written in the very transaction that says so.
 *
 * <p>Parameters: {@code subject}, {@code issued_before} (only SVIDs issued earlier are refused),
 * {@code expires_at} or {@code ttl_ms} (it ends by itself).
 */
final class Holds {
  static final String NAME = "identity.quarantine";

  /** How long the first peer may take to report before the word of the topic has to do. */
  static final Duration PEER_GRACE = Duration.ofSeconds(5);

  private Holds() {}

  /** The parameters that quarantine a subject. */
  static ObjectNode parameters(
      Subject subject, @Nullable Instant issuedBefore, @Nullable Instant expiresAt) {
    ObjectNode parameters = EventCodec.object();
    parameters.set("subject", EventCodec.toTree(subject));
    if (issuedBefore != null) {
      parameters.put("issued_before", issuedBefore.toString());
    }
    if (expiresAt != null) {
      parameters.put("expires_at", expiresAt.toString());
    }
    return parameters;
  }

  /** What a hold changes, for people. */
  static String diff(Subject subject, FanOut fanOut) {
    return "hold on " + subject.value() + ": " + fanOut;
  }

  /** The hold that a step places. */
  static Quarantine hold(Containment containment, Step step, Instant now) {
    JsonNode parameters = step.parameters();
    Instant expiresAt = instant(parameters, "expires_at");
    if (expiresAt == null && parameters.has("ttl_ms")) {
      expiresAt = now.plusMillis(parameters.path("ttl_ms").asLong());
    }
    return new Quarantine(
        new Quarantine.Hold(
            containment.containment().id(),
            "playbook " + containment.playbook().name(),
            Draft.RESPONDER,
            now,
            expiresAt,
            instant(parameters, "issued_before")),
        subject(step));
  }

  /** The key of the hold that a step places. */
  static QuarantineKey key(String containment, Step step) {
    return new QuarantineKey(subject(step), containment);
  }

  /** Whom a step quarantines. */
  static Subject subject(Step step) {
    return subject(step.parameters());
  }

  /** Whom a step with these parameters quarantines. */
  static Subject subject(JsonNode parameters) {
    JsonNode subject = parameters.path("subject");
    String value = subject.path("value").asText();
    return switch (Subject.Kind.valueOf(
        subject.path("kind").asText().toUpperCase(java.util.Locale.ROOT))) {
      case SPIFFE_ID -> Subject.of(SpiffeId.parse(value));
      case TRUST_DOMAIN -> new Subject(Subject.Kind.TRUST_DOMAIN, TrustDomain.parse(value), value);
      case PATH_PREFIX, SERIAL, KEY_HASH, IP ->
          throw new IllegalArgumentException(
              "subject is '" + subject + "': expected a SPIFFE ID or a trust domain");
    };
  }

  /** When a hold ends by itself; absent if it does not. */
  static @Nullable Instant expiresAt(Step step, Instant placedAt) {
    Instant absolute = instant(step.parameters(), "expires_at");
    return absolute != null || !step.parameters().has("ttl_ms")
        ? absolute
        : placedAt.plusMillis(step.parameters().path("ttl_ms").asLong());
  }

  /**
   * A step strengthened by a further detection: an SVID that the hold serves was misused too, so
   * the hold has to refuse that one as well.
   *
   * @param misused when the SVID that was used now was issued, if that is known
   * @return empty if the hold refuses it already
   */
  static Optional<ObjectNode> strengthened(Step step, JsonNode wanted, @Nullable Instant misused) {
    Instant before = instant(step.parameters(), "issued_before");
    Instant later = instant(wanted, "issued_before");
    if (before == null || later == null || !later.isAfter(before)) {
      return Optional.empty();
    }
    if (misused != null && misused.isBefore(before)) {
      return Optional.empty();
    }
    return Optional.of(((ObjectNode) wanted).deepCopy());
  }

  /**
   * What is seen of a hold.
   *
   * @return empty as long as nothing is and time is left
   */
  static Optional<Verification> verify(
      Step step,
      QuarantineKey key,
      Peers.Report report,
      boolean onTopic,
      Duration within,
      Instant now) {
    if (report.applied() > 0) {
      return Optional.of(
          new Verification(
              Level.EFFECT,
              true,
              report.applied()
                  + (report.applied() == 1 ? " peer refuses it, " : " peers refuse it, ")
                  + report.connectionsCut()
                  + " connections cut",
              now,
              facts(report)));
    }
    Duration grace = within.compareTo(PEER_GRACE) < 0 ? within : PEER_GRACE;
    if (now.isBefore(step.since().plus(grace))) {
      return Optional.empty();
    }
    if (report.refused() > 0) {
      return Optional.of(
          new Verification(
              Level.NONE,
              false,
              report.refused() + " peers protect the identity and do not refuse it",
              now,
              facts(report)));
    }
    return Optional.of(
        new Verification(
            Level.CONFIGURATION,
            onTopic,
            onTopic
                ? "the hold is on the topic; no peer reported within " + grace.toSeconds() + " s"
                : "the hold " + key + " was not read back from the topic",
            now,
            facts(report)));
  }

  private static ObjectNode facts(Peers.Report report) {
    return EventCodec.object()
        .put("peers", report.applied())
        .put("peers_protecting", report.refused())
        .put("connections_cut", report.connectionsCut());
  }

  private static @Nullable Instant instant(JsonNode parameters, String field) {
    return parameters.hasNonNull(field) ? Instant.parse(parameters.path(field).asText()) : null;
  }
}
