package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.Metric;
import io.meshward.detect.EventCount.Judgement;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Fact;
import io.meshward.schemas.MalformedEventException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;

/**
 * Counts the facts of one partition, in their order, and makes a detection of each full window.
 *
 * <p>Facts are judged by the rules of this moment: a detection whose text or condition changed goes
 * on with what it has counted. What happens depends on the partition's records and the rules alone.
 * Used by one thread.
 */
final class Correlating implements TaskProcessor.Work<byte[], byte[]> {
  private final ProcessorContext<byte[], Envelope<? extends Event>> context;
  private final Wiring wiring;
  private final String sink;
  private final Groups groups;
  private final PartitionClock clock = new PartitionClock();
  private final CommitPacer.Task pacer;

  /**
   * @param store the name of the store of groups
   * @param sink the name of the sink of detections
   */
  Correlating(
      ProcessorContext<byte[], Envelope<? extends Event>> context,
      Wiring wiring,
      String store,
      String sink) {
    this.context = context;
    this.wiring = wiring;
    this.sink = sink;
    this.groups = new Groups(context.getStateStore(store), wiring.limits().groups());
    this.pacer = wiring.pacer().of(context);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata origin = context.recordMetadata().orElseThrow();
    clock.advance(record.timestamp());
    try {
      Envelope<Fact> envelope = CloudEvents.read(record.headers(), record.value(), Fact.class);
      switch (envelope.data()) {
        case Fact.Watermark watermark -> promise(watermark);
        case Fact.Match match -> count(match, record.timestamp(), envelope.traceparent());
      }
    } catch (MalformedEventException e) {
      wiring.parking().park(record, origin, Parking.MALFORMED, e);
    }
  }

  @Override
  public void close() {
    wiring.gauges().noGroups(context.taskId().partition());
  }

  private void promise(Fact.Watermark watermark) {
    clock.promise(watermark.task(), watermark.time().toEpochMilli());
    groups.sweep(this::window, clock.progress());
    wiring.gauges().groups(context.taskId().partition(), groups.size());
  }

  private @Nullable EventCount window(String detection) {
    return wiring.rules().get().correlated(detection).map(RuleBook.Correlated::window).orElse(null);
  }

  private void count(Fact.Match match, long arrived, @Nullable String traceparent) {
    Fact.Correlation correlation = match.correlation();
    Optional<RuleBook.Correlated> known =
        wiring
            .rules()
            .get()
            .correlated(correlation.detection())
            .filter(
                detection ->
                    detection.rule().correlation().groupBy().size() == correlation.group().size());
    if (known.isEmpty()) {
      fact("outdated");
      return;
    }
    RuleBook.Correlated detection = known.get();
    Group group =
        new Group(
            correlation.detection(), detection.rule().correlation().groupBy(), correlation.group());
    String key = group.key();
    CountedEvent event =
        new CountedEvent(match.event().time().toEpochMilli(), arrived, match.evidence());
    boolean late = event.time() < clock.watermark();
    switch (detection.window().judge(groups.get(key), event, clock.progress())) {
      case Judgement.Duplicate() -> fact("duplicate");
      case Judgement.Waiting(GroupState state, int dropped) -> {
        keep(group, key, state);
        wiring.metrics().add(Metric.DETECT_WINDOW_DROPPED, dropped, "events");
        fact(late ? "late" : "counted");
      }
      case Judgement.Full(GroupState state, List<CountedEvent> window) -> {
        Instant now = Instant.ofEpochMilli(context.currentSystemTimeMs());
        emit(
            wiring
                .findings()
                .detection(detection.rule(), group, match, window, late, now, traceparent),
            now.toEpochMilli());
        keep(group, key, state);
        fact(late ? "late" : "counted");
      }
    }
  }

  private void keep(Group group, String key, GroupState state) {
    if (groups.put(group.detection(), key, state)) {
      wiring.metrics().increment(Metric.DETECT_WINDOW_DROPPED, "groups");
    }
  }

  private void emit(Envelope<Detection> detection, long now) {
    context.forward(
        new Record<>(detection.data().target().key().getBytes(UTF_8), detection, now), sink);
    wiring.detected(detection.data(), now);
    pacer.written();
  }

  private void fact(String outcome) {
    wiring.metrics().increment(Metric.DETECT_FACTS, outcome);
  }
}
