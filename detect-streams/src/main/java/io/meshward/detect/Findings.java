package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldSource;
import io.meshward.rules.OutputFormat;
import io.meshward.rules.Rule;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CertificateFacts;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.Fact;
import io.meshward.schemas.Peer;
import io.meshward.schemas.TlsHandshake;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns matches into facts, and matches and full windows into detections. Thread-safe. */
final class Findings {
  /** The longest text of a detection's output, and of a field that a fact carries for it. */
  static final int MAX_TEXT = 8 * 1024;

  private static final String CUT = "…";

  private final String reporter;
  private final int maxEvidence;

  /**
   * @param cluster where this process runs
   * @param maxEvidence how many events a detection names
   */
  Findings(String cluster, int maxEvidence) {
    this.reporter = "//" + cluster + "/detect";
    this.maxEvidence = maxEvidence;
  }

  /**
   * An event with what detections and facts say about it.
   *
   * @param event the whole event
   * @param moment event time; {@code clamped} if not the event's own
   */
  record Matched(
      Envelope<? extends Event> event,
      EventView view,
      Instant moment,
      boolean clamped,
      EvidenceRef evidence) {}

  /** The detection of a rule without a window. */
  Envelope<Detection> detection(Rule rule, Matched matched, Instant now) {
    return envelope(
        new Detection(
            new Detection.Finding(
                id(rule.name(), rule.version(), List.of(), matched.event().id()),
                rule.name(),
                rule.version(),
                rule.priority().longName(),
                rule.source(),
                rule.tags(),
                cut(rule.output().render(matched.view())),
                matched.event().id(),
                matched.moment(),
                now,
                matched.clamped(),
                matched.event().source(),
                matched.evidence().signature(),
                matched.evidence().signatureReason()),
            Map.of(),
            null,
            List.of(matched.evidence()),
            matched.view().surroundings().target(),
            svid(matched.event().data()),
            peer(matched.event().data())),
        matched.event().traceparent());
  }

  /** The fact that a rule matched which a detection counts. */
  Envelope<Fact> match(
      io.meshward.rules.Detection detection, Rule rule, Group group, Matched matched) {
    Fact.Match match =
        new Fact.Match(
            new Fact.Correlation(
                detection.name(), detection.version(), rule.name(), group.values()),
            new Fact.EventRef(
                matched.event().id(),
                matched.moment(),
                matched.clamped(),
                rule.source(),
                matched.event().source(),
                outputFields(detection.output(), matched.view()),
                matched.view().surroundings().target(),
                svid(matched.event().data()),
                peer(matched.event().data())),
            matched.evidence());
    return new Envelope<>(
        id(detection.name(), detection.version(), group.values(), matched.event().id()),
        reporter,
        null,
        matched.moment(),
        matched.event().traceparent(),
        match);
  }

  /** A matching task's promise. */
  Envelope<Fact> watermark(String task, Instant promise) {
    return new Envelope<>(
        task + "/" + promise.toEpochMilli(), reporter, promise, new Fact.Watermark(task, promise));
  }

  /**
   * The detection of a window that an event completed.
   *
   * @param late whether the event lay behind the watermark
   */
  Envelope<Detection> detection(
      io.meshward.rules.Detection rule,
      Group group,
      Fact.Match completing,
      List<CountedEvent> window,
      boolean late,
      Instant now,
      @Nullable String traceparent) {
    Fact.EventRef event = completing.event();
    EvidenceRef least = EvidenceRef.least(window.stream().map(CountedEvent::evidence).toList());
    return envelope(
        new Detection(
            new Detection.Finding(
                id(rule.name(), rule.version(), group.values(), event.id()),
                rule.name(),
                rule.version(),
                rule.priority().longName(),
                event.source(),
                rule.tags(),
                cut(rule.output().render(new Completed(event, window.size()))),
                event.id(),
                event.time(),
                now,
                late || event.clamped(),
                event.reporter(),
                least == null ? null : least.signature(),
                least == null ? null : least.signatureReason()),
            group.byField(),
            new Detection.Window(
                Instant.ofEpochMilli(window.getFirst().time()),
                Instant.ofEpochMilli(window.getLast().time()),
                rule.correlation().timespan().toMillis(),
                window.size(),
                condition(rule)),
            evidence(window, completing.evidence()),
            event.target(),
            event.svid(),
            event.peer()),
        traceparent);
  }

  private static String condition(io.meshward.rules.Detection rule) {
    return switch (rule.correlation()) {
      case io.meshward.rules.Correlation.EventCount count -> count.condition().toString();
    };
  }

  /** The latest of the window, oldest first; the one that completed it is always among them. */
  private List<EvidenceRef> evidence(List<CountedEvent> window, EvidenceRef completing) {
    List<EvidenceRef> latest =
        window.stream()
            .skip(Math.max(0, window.size() - maxEvidence))
            .map(CountedEvent::evidence)
            .toList();
    if (latest.contains(completing)) {
      return latest;
    }
    List<EvidenceRef> withCompleting = new ArrayList<>(latest.subList(1, latest.size()));
    withCompleting.addFirst(completing);
    return withCompleting;
  }

  private Envelope<Detection> envelope(Detection detection, @Nullable String traceparent) {
    return new Envelope<>(
        detection.detection().id(),
        reporter,
        detection.target().key(),
        detection.detection().time(),
        traceparent,
        detection);
  }

  /** The same facts in the same order give the same id. */
  private static String id(String rule, String version, List<String> group, String anchor) {
    ContentHash hash = new ContentHash().add(rule).add(version);
    group.forEach(hash::add);
    return hash.add(anchor).hex();
  }

  private static Map<String, String> outputFields(OutputFormat output, EventView event) {
    Map<String, String> fields = new HashMap<>();
    for (FieldReference field : output.fields()) {
      Object value = isCount(field) ? null : event.value(field);
      if (value != null) {
        fields.put(field.toString(), cut(Group.text(value)));
      }
    }
    return fields;
  }

  private static boolean isCount(FieldReference field) {
    return field.name().equals(io.meshward.rules.Detection.COUNT_FIELD);
  }

  private static String cut(String text) {
    return Group.wellFormed(
        text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT - 1) + CUT);
  }

  /** The SVID that was used: only if it was verified, since anybody can show a certificate. */
  private static Detection.@Nullable SvidRef svid(Event event) {
    return switch (event) {
      case TlsHandshake handshake -> svid(handshake.peer(), handshake.cert());
      case AuthzDecision decision -> svid(decision.peer(), decision.cert());
      default -> null;
    };
  }

  private static Detection.@Nullable SvidRef svid(Peer peer, @Nullable CertificateFacts cert) {
    return peer.id() == null || cert == null
        ? null
        : new Detection.SvidRef(
            cert.serial(), cert.issuer(), cert.spkiSha256(), cert.notBefore(), cert.notAfter());
  }

  private static @Nullable Peer peer(Event event) {
    return switch (event) {
      case TlsHandshake handshake -> handshake.peer();
      case AuthzDecision decision -> decision.peer();
      default -> null;
    };
  }

  /** The completing event as its fact carries it, and how many were counted. */
  private record Completed(Fact.EventRef event, long count) implements FieldSource {
    @Override
    public @Nullable Object value(FieldReference field) {
      if (isCount(field)) {
        return count;
      }
      String text = event.fields().get(field.toString());
      if (text == null || !field.isList()) {
        return text;
      }
      return EventView.value(EventCodec.readTree(text.getBytes(UTF_8)));
    }
  }
}
