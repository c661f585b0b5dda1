package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.Metrics;
import io.meshward.rules.LoadResult;
import io.meshward.rules.RuleFile;
import io.meshward.rules.RuleLoader;
import io.meshward.rules.RuleSet;
import io.meshward.runtime.EventTrust;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.Fact;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;
import org.jspecify.annotations.Nullable;

/** The topology on {@link TopologyTestDriver}, with a clock that stands until it is advanced. */
final class Bench implements AutoCloseable {
  static final String PREFIX = "meshward";

  private final Metrics metrics = new Metrics();
  private final TopologyTestDriver driver;
  private final Map<Topic, TestInputTopic<byte[], byte[]>> inputs = new HashMap<>();
  private final Map<Topic, TestOutputTopic<byte[], byte[]>> outputs = new HashMap<>();
  private final List<DeadLetter.Origin> parked = new ArrayList<>();
  private final List<String> causes = new ArrayList<>();
  private RuleBook rules;
  private Instant now;

  /** A written record. */
  record Written<E extends Event>(
      String key, Instant timestamp, Headers headers, Envelope<E> envelope) {
    E data() {
      return envelope.data();
    }
  }

  Bench(Path directory, Instant start, RuleSet rules) {
    this(directory, start, rules, () -> EventTrust.in(Map.of()));
  }

  /** One that believes some reporters. */
  Bench(Path directory, Instant start, RuleSet rules, Supplier<EventTrust> trust) {
    this.now = start;
    use(rules);
    DetectConfig config = config(directory);
    Wiring wiring =
        Wiring.of(
            config,
            () -> this.rules,
            trust,
            metrics,
            (key, origin, cause, detail, message) -> {
              parked.add(origin);
              causes.add(cause + ": " + detail);
            });
    Properties settings = StreamsSettings.of(config, "test", wiring.parking());
    driver =
        new TopologyTestDriver(
            DetectTopology.build(wiring, name -> PREFIX + "." + name), settings, start);
  }

  static DetectConfig config(Path directory) {
    return ConfigFile.parse(
        """
        kafka: {bootstrap-servers: "localhost:1"}
        http: {address: "127.0.0.1:0"}
        cluster: demo
        rules: [rules]
        state-directory: %s
        """
            .formatted(directory),
        "test",
        DetectConfig.class);
  }

  static RuleSet rules(String... texts) {
    List<RuleFile> files = new ArrayList<>();
    for (String text : texts) {
      files.add(new RuleFile("rules-" + files.size() + ".yaml", text));
    }
    return loaded(RuleLoader.load(files, FieldCatalogues.all()));
  }

  static RuleSet loaded(LoadResult result) {
    return switch (result) {
      case LoadResult.Loaded loaded -> loaded.rules();
      case LoadResult.Rejected rejected ->
          throw new AssertionError("rules are rejected: " + rejected.diagnostics());
    };
  }

  /** Uses other rules from now on. */
  void use(RuleSet set) {
    rules = RuleBook.of(set, Duration.ofMinutes(10));
  }

  Instant now() {
    return now;
  }

  void advance(Duration duration) {
    now = now.plus(duration);
    driver.advanceWallClockTime(duration);
  }

  void send(Envelope<? extends Event> event) {
    Topic topic =
        event.data() instanceof io.meshward.schemas.FalcoAlert
            ? TopicCatalogue.EVENTS_FALCO
            : TopicCatalogue.EVENTS_IDENTITY;
    send(topic, "key", event);
  }

  void send(Topic topic, String key, Envelope<? extends Event> event) {
    RecordHeaders headers = new RecordHeaders();
    CloudEvents.writeHeaders(event, headers);
    sendRaw(topic, key, headers, EventCodec.encode(event.data()));
  }

  void sendRaw(Topic topic, String key, Headers headers, byte @Nullable [] value) {
    sendRaw(topic, key, headers, value, now);
  }

  /**
   * Sends a record that was written at another moment.
   *
   * @param written its timestamp
   */
  void sendRaw(Topic topic, String key, Headers headers, byte @Nullable [] value, Instant written) {
    inputs
        .computeIfAbsent(
            topic,
            t ->
                driver.createInputTopic(
                    t.name(PREFIX), new ByteArraySerializer(), new ByteArraySerializer()))
        .pipeInput(new TestRecord<>(key.getBytes(UTF_8), value, headers, written));
  }

  void knows(Inventory... pods) {
    for (Inventory pod : pods) {
      String key = pod.pod().cluster() + "/" + pod.pod().uid();
      send(TopicCatalogue.INVENTORY, key, new Envelope<>(key, "//demo/responder", now, pod));
    }
  }

  void forgets(Inventory pod) {
    String key = pod.pod().cluster() + "/" + pod.pod().uid();
    sendRaw(TopicCatalogue.INVENTORY, key, new RecordHeaders(), null);
  }

  /** What was detected since the last call. */
  List<Written<Detection>> detections() {
    return read(TopicCatalogue.DETECTIONS, Detection.class);
  }

  /** The names of the rules that detected something since the last call. */
  List<String> detected() {
    return detections().stream().map(written -> written.data().detection().rule()).toList();
  }

  List<Written<Fact>> facts() {
    return read(TopicCatalogue.FACTS, Fact.class);
  }

  /** Causes and details of what was parked. */
  List<String> parked() {
    return List.copyOf(causes);
  }

  List<DeadLetter.Origin> origins() {
    return List.copyOf(parked);
  }

  String metrics() {
    return metrics.scrape();
  }

  private <E extends Event> List<Written<E>> read(Topic topic, Class<E> type) {
    return outputs
        .computeIfAbsent(
            topic,
            t ->
                driver.createOutputTopic(
                    t.name(PREFIX), new ByteArrayDeserializer(), new ByteArrayDeserializer()))
        .readRecordsToList()
        .stream()
        .map(
            record ->
                new Written<>(
                    new String(record.key(), UTF_8),
                    record.getRecordTime(),
                    record.headers(),
                    CloudEvents.read(record.headers(), record.value(), type)))
        .toList();
  }

  static EventType kind(Envelope<? extends Event> event) {
    return EventType.of(event.data());
  }

  @Override
  public void close() {
    driver.close();
    metrics.close();
  }
}
