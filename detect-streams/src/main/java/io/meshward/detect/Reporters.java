package io.meshward.detect;

import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.runtime.EventTrust;
import io.meshward.runtime.EventVerifier;
import io.meshward.runtime.SignedEvents.Verification;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EvidenceRef.Signature;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.time.Instant;
import java.util.function.Supplier;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * Judges whether an event is what its reporter sent, and whether that reporter is to be believed
 * now. It takes a fraction of a millisecond, so only events that matter are judged. Thread-safe.
 */
final class Reporters {
  private final Supplier<EventTrust> trust;
  private final EventVerifier verifier = new EventVerifier();
  private final Metrics metrics;

  /**
   * What an event proves.
   *
   * @param signature what its signature does; null of a kind that is not signed
   * @param reason why that is unverified
   */
  record Proof(@Nullable Signature signature, @Nullable String reason) {
    private static final Proof OF_NO_REPORTER = new Proof(null, null);
  }

  /**
   * @param trust whom to believe now
   */
  Reporters(Supplier<EventTrust> trust, Metrics metrics) {
    this.trust = trust;
    this.metrics = metrics;
  }

  /**
   * What an event proves.
   *
   * @param record in which the event came
   * @param now when it is judged who is held or revoked
   * @throws ForgedEventException if the event is proved false
   */
  Proof judge(Envelope<? extends Event> event, Record<byte[], byte[]> record, Instant now) {
    LocalWorkload reporter = reporter(event.data());
    if (reporter == null) {
      return Proof.OF_NO_REPORTER;
    }
    if (reporter.id() != null && !reporter.id().toString().equals(event.source())) {
      throw forged("it is reported by " + event.source() + " in the name of " + reporter.id());
    }
    return switch (verifier.verify(
        record.headers(), record.value(), EventTimes.written(record), trust.get(), now)) {
      case Verification.Signed _ -> counted(Signature.VALID, null, "valid");
      case Verification.Unverified(String reason, String _) ->
          counted(Signature.UNVERIFIED, reason, "unverified");
      case Verification.Unsigned _ -> counted(Signature.NONE, null, "none");
      case Verification.Invalid(String reason, String words) -> throw forged(reason + ": " + words);
    };
  }

  private Proof counted(Signature signature, @Nullable String reason, String outcome) {
    metrics.increment(Metric.DETECT_SIGNATURES, outcome);
    return new Proof(signature, reason);
  }

  private ForgedEventException forged(String why) {
    metrics.increment(Metric.DETECT_SIGNATURES, "invalid");
    return new ForgedEventException(why);
  }

  /** Who reports, as the event has it: of the kinds that reporters sign. */
  private static @Nullable LocalWorkload reporter(Event event) {
    return switch (event) {
      case TlsHandshake handshake -> handshake.local();
      case AuthzDecision decision -> decision.local();
      case SvidLifecycle lifecycle -> lifecycle.local();
      default -> null;
    };
  }
}
