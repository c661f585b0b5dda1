package io.meshward.detect;

import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.runtime.SignedEvents;
import io.meshward.runtime.SignedEvents.Verification;
import io.meshward.runtime.TrustBundle;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EvidenceRef.Signature;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TrustDomain;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;

/**
 * Judges whether an event is what its reporter sent. It takes a fraction of a millisecond, so only
 * events that matter are judged. Thread-safe.
 */
final class Reporters {
  private final Supplier<Map<TrustDomain, TrustBundle>> authorities;
  private final Metrics metrics;

  /**
   * @param authorities whom to trust now
   */
  Reporters(Supplier<Map<TrustDomain, TrustBundle>> authorities, Metrics metrics) {
    this.authorities = authorities;
    this.metrics = metrics;
  }

  /**
   * What the signature of an event proves; null of a kind that is not signed.
   *
   * @param record in which the event came
   * @throws ForgedEventException if the event is proved false
   */
  @Nullable Signature judge(Envelope<? extends Event> event, Record<byte[], byte[]> record) {
    LocalWorkload reporter = reporter(event.data());
    if (reporter == null) {
      return null;
    }
    if (reporter.id() != null && !reporter.id().toString().equals(event.source())) {
      throw forged("it is reported by " + event.source() + " in the name of " + reporter.id());
    }
    return switch (SignedEvents.verify(
        record.headers(), record.value(), EventTimes.written(record), authorities.get())) {
      case Verification.Signed _ -> counted(Signature.VALID, "valid");
      case Verification.Unverified _ -> counted(Signature.UNVERIFIED, "unverified");
      case Verification.Unsigned _ -> counted(Signature.NONE, "none");
      case Verification.Invalid(String reason, String words) -> throw forged(reason + ": " + words);
    };
  }

  private Signature counted(Signature signature, String outcome) {
    metrics.increment(Metric.DETECT_SIGNATURES, outcome);
    return signature;
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
