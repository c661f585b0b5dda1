package io.meshward.detect;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * The topology, which is the same whatever the rules are: one matching part for each source topic,
 * so that their partitions are worked on apart, and one correlating part behind the topic of facts.
 * The inventory is a global table.
 *
 * <pre>
 * events.identity ─► matching ─┬─────────────────────────► detections
 * events.falco ────► matching ─┤                               ▲
 *                              └─► facts ─► correlating ───────┘
 * </pre>
 */
final class DetectTopology {
  /** The topics whose events are tested with the rules. */
  static final List<Topic> SOURCES =
      List.of(TopicCatalogue.EVENTS_IDENTITY, TopicCatalogue.EVENTS_FALCO);

  private static final String CORRELATING = "correlating";
  private static final String GROUPS = "groups";

  private DetectTopology() {}

  /**
   * Builds the topology.
   *
   * @param topicName a topic's name on the broker
   */
  static Topology build(Wiring wiring, UnaryOperator<String> topicName) {
    Topology topology = new Topology();
    addInventory(topology, wiring, topicName);
    for (Topic source : SOURCES) {
      addMatching(topology, wiring, topicName, source);
    }
    addCorrelating(topology, wiring, topicName);
    return topology;
  }

  private static void addInventory(
      Topology topology, Wiring wiring, UnaryOperator<String> topicName) {
    topology.addGlobalStore(
        new InventoryStore(),
        "inventory-source",
        DetectTopology::writtenAt,
        bytes(),
        bytes(),
        topicName.apply(TopicCatalogue.INVENTORY.name()),
        "inventory-reading",
        () ->
            new TaskProcessor<byte[], byte[], Void, Void>(
                context -> new InventoryReading(context, wiring)));
  }

  private static void addMatching(
      Topology topology, Wiring wiring, UnaryOperator<String> topicName, Topic source) {
    String name = "matching-" + source.name();
    Matching.Part part =
        new Matching.Part(source, "seen-" + source.name(), name + "-detections", name + "-facts");
    topology.addSource(
        AutoOffsetReset.earliest(),
        name + "-source",
        new EventTimes(),
        bytes(),
        bytes(),
        topicName.apply(source.name()));
    topology.addProcessor(
        name,
        new WithStore(
            SeenEvents.store(part.seen(), wiring.limits().seenEvents()),
            () -> new TaskProcessor<>(context -> new Matching(context, part, wiring))),
        name + "-source");
    addDetections(topology, topicName, part.detections(), name);
    topology.addSink(
        part.facts(),
        topicName.apply(TopicCatalogue.FACTS.name()),
        new ByteArraySerializer(),
        new EnvelopeSerializer(),
        new FactPartitions(),
        name);
  }

  private static void addCorrelating(
      Topology topology, Wiring wiring, UnaryOperator<String> topicName) {
    String sink = CORRELATING + "-detections";
    topology.addSource(
        AutoOffsetReset.earliest(),
        CORRELATING + "-source",
        DetectTopology::writtenAt,
        bytes(),
        bytes(),
        topicName.apply(TopicCatalogue.FACTS.name()));
    topology.addProcessor(
        CORRELATING,
        new WithStore(
            Groups.store(GROUPS),
            () -> new TaskProcessor<>(context -> new Correlating(context, wiring, GROUPS, sink))),
        CORRELATING + "-source");
    addDetections(topology, topicName, sink, CORRELATING);
  }

  private static void addDetections(
      Topology topology, UnaryOperator<String> topicName, String sink, String parent) {
    topology.addSink(
        sink,
        topicName.apply(TopicCatalogue.DETECTIONS.name()),
        new ByteArraySerializer(),
        new EnvelopeSerializer(),
        parent);
  }

  /** When a record was written; its writer's wall clock. */
  private static long writtenAt(ConsumerRecord<Object, Object> record, long partitionTime) {
    return Math.max(0, record.timestamp());
  }

  private static Deserializer<byte[]> bytes() {
    return new ByteArrayDeserializer();
  }

  /** Makes processors together with their store. */
  private record WithStore(
      StoreBuilder<?> store,
      ProcessorSupplier<byte[], byte[], byte[], Envelope<? extends Event>> processors)
      implements ProcessorSupplier<byte[], byte[], byte[], Envelope<? extends Event>> {
    @Override
    public Processor<byte[], byte[], byte[], Envelope<? extends Event>> get() {
      return processors.get();
    }

    @Override
    public Set<StoreBuilder<?>> stores() {
      return Set.of(store);
    }
  }

  /** Makes the inventory's table, which is neither cached nor logged: its topic is its log. */
  private static final class InventoryStore implements StoreBuilder<InventoryTable> {
    @Override
    public StoreBuilder<InventoryTable> withCachingEnabled() {
      return this;
    }

    @Override
    public StoreBuilder<InventoryTable> withCachingDisabled() {
      return this;
    }

    @Override
    public StoreBuilder<InventoryTable> withLoggingEnabled(Map<String, String> config) {
      throw new UnsupportedOperationException("the inventory's topic is its log");
    }

    @Override
    public StoreBuilder<InventoryTable> withLoggingDisabled() {
      return this;
    }

    @Override
    public InventoryTable build() {
      return new InventoryTable();
    }

    @Override
    public Map<String, String> logConfig() {
      return Map.of();
    }

    @Override
    public boolean loggingEnabled() {
      return false;
    }

    @Override
    public String name() {
      return InventoryTable.NAME;
    }
  }
}
