package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.Metric;
import io.meshward.detect.Findings.Matched;
import io.meshward.rules.Detection;
import io.meshward.rules.Rule;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.Fact;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Topic;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Tests the events of one partition with the rules: what a rule without a window matches becomes a
 * detection here and now, what a correlation counts becomes a fact. Once a second it promises every
 * partition of facts that no earlier event time follows. An event that cannot be read, or that
 * matches and is proved a forgery, is parked and the next one taken. Used by one thread.
 */
final class Matching implements TaskProcessor.Work<byte[], byte[]> {
  private static final Duration TICK = Duration.ofSeconds(1);

  private final ProcessorContext<byte[], Envelope<? extends Event>> context;
  private final Part part;
  private final Wiring wiring;
  private final InventoryTable inventory;
  private final SeenEvents seen;
  private final CommitPacer.Task pacer;
  private final LowEventTime lowEventTime;
  private final String task;
  private final Tally tally = new Tally();

  /**
   * Where matching stands in the topology.
   *
   * @param source the topic whose events it tests
   * @param seen the name of its store of seen events
   * @param detections the name of its sink of detections
   * @param facts the name of its sink of facts
   */
  record Part(Topic source, String seen, String detections, String facts) {}

  Matching(ProcessorContext<byte[], Envelope<? extends Event>> context, Part part, Wiring wiring) {
    this.context = context;
    this.part = part;
    this.wiring = wiring;
    this.inventory = context.getStateStore(InventoryTable.NAME);
    this.seen = new SeenEvents(context.getStateStore(part.seen()));
    this.pacer = wiring.pacer().of(context);
    this.lowEventTime = new LowEventTime(wiring.timing().lateness(), context.currentSystemTimeMs());
    this.task = part.source().name() + "-" + context.taskId().partition();
    context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::tick);
  }

  @Override
  public void close() {
    wiring.gauges().notSeen(task);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    RecordMetadata origin = context.recordMetadata().orElseThrow();
    try {
      test(record, origin);
    } catch (MalformedEventException e) {
      wiring.parking().park(record, origin, Parking.MALFORMED, e);
    } catch (ForgedEventException e) {
      wiring.parking().park(record, origin, Parking.FORGED, e);
    }
  }

  private void test(Record<byte[], byte[]> record, RecordMetadata origin) {
    CloudEvents.Attributes attributes = attributes(record);
    long now = context.currentSystemTimeMs();
    lowEventTime.event(record.timestamp(), now);
    Instant moment = EventTimes.moment(attributes.time(), record.timestamp());
    EventView view =
        new EventView(
            attributes,
            record.value(),
            tree ->
                new Surroundings(
                    inventory,
                    wiring.cluster(),
                    attributes.type(),
                    tree,
                    moment,
                    Instant.ofEpochMilli(now)));
    RuleBook rules = wiring.rules().get();
    RuleIndex.Matches matches = rules.index(attributes.type().kind()).test(view);
    tally.add(matches);
    if (matches.rules().isEmpty()) {
      return;
    }
    if (seen.contains(attributes)) {
      wiring.metrics().increment(Metric.DETECT_DUPLICATES, part.source().name());
      return;
    }
    Envelope<? extends Event> event =
        CloudEvents.read(record.headers(), record.value(), attributes.type().eventClass());
    Reporters.Proof proof = wiring.reporters().judge(event, record, Instant.ofEpochMilli(now));
    Matched matched =
        new Matched(
            event,
            view,
            moment,
            EventTimes.isClamped(attributes.time(), record.timestamp()),
            new EvidenceRef(
                origin.topic(),
                origin.partition(),
                origin.offset(),
                attributes.id(),
                proof.signature(),
                proof.reason()));
    report(rules, matches.rules(), matched, now);
    seen.add(attributes);
    pacer.written();
  }

  private CloudEvents.Attributes attributes(Record<byte[], byte[]> record) {
    if (record.value() == null) {
      throw new MalformedEventException("the value is null: expected an event");
    }
    CloudEvents.Attributes attributes = CloudEvents.attributes(record.headers());
    if (!part.source().values().contains(attributes.type())) {
      throw new MalformedEventException(
          "ce_type is '"
              + attributes.type().cloudEventType()
              + "': expected a kind of event that belongs on "
              + part.source().name());
    }
    return attributes;
  }

  private void report(RuleBook rules, List<Rule> matching, Matched matched, long now) {
    Set<String> counted = new HashSet<>();
    for (Rule rule : matching) {
      if (rules.emits(rule)) {
        emit(wiring.findings().detection(rule, matched, Instant.ofEpochMilli(now)), now);
      }
      for (Detection detection : rules.countedBy(rule)) {
        if (counted.add(detection.name())) {
          Group group = Group.of(detection, matched.view());
          Envelope<Fact> fact = wiring.findings().match(detection, rule, group, matched);
          context.forward(new Record<>(group.key().getBytes(UTF_8), fact, now), part.facts());
        }
      }
    }
  }

  private void emit(Envelope<io.meshward.schemas.Detection> detection, long now) {
    io.meshward.schemas.Detection data = detection.data();
    context.forward(
        new Record<>(data.target().key().getBytes(UTF_8), detection, now), part.detections());
    wiring.detected(data, now);
  }

  private void tick(long now) {
    tally.flush();
    wiring.gauges().seen(task, seen.size());
    lowEventTime
        .promise(now)
        .ifPresent(
            promise -> {
              Envelope<Fact> watermark =
                  wiring.findings().watermark(task, Instant.ofEpochMilli(promise));
              context.forward(new Record<>(task.getBytes(UTF_8), watermark, now), part.facts());
              // Readers of facts see nothing beyond a transaction that stays open.
              pacer.written();
            });
  }

  /** What was tested since the last tick: cheaper than a metric for each event. */
  private final class Tally {
    private int matched;
    private int unmatched;
    private int evaluations;

    void add(RuleIndex.Matches matches) {
      if (matches.rules().isEmpty()) {
        unmatched++;
      } else {
        matched++;
      }
      evaluations += matches.evaluations();
    }

    void flush() {
      String topic = part.source().name();
      wiring.metrics().add(Metric.DETECT_EVENTS, matched, topic, "matched");
      wiring.metrics().add(Metric.DETECT_EVENTS, unmatched, topic, "unmatched");
      wiring.metrics().add(Metric.DETECT_EVALUATIONS, evaluations, topic);
      matched = 0;
      unmatched = 0;
      evaluations = 0;
    }
  }
}
