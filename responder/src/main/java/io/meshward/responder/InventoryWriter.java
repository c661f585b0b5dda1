package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.daemon.DeadLetters;
import io.meshward.daemon.KafkaConfig;
import io.meshward.runtime.RenewedProducer;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what the informers see to the inventory topic. Of several responders one writes; it begins
 * with what the topic says, so that pods which went while nobody watched are marked as gone. A pod
 * that is gone keeps its record, with the end of its validity, for a grace; then a tombstone. What
 * Kafka does not take is tried again.
 */
final class InventoryWriter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(InventoryWriter.class);
  private static final Topic TOPIC = TopicCatalogue.INVENTORY;
  private static final Duration LOOK = Duration.ofMillis(200);
  private static final Duration EVERYTHING = Duration.ofSeconds(30);
  private static final Duration READ = Duration.ofSeconds(20);
  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final KafkaConfig kafka;
  private final String cluster;
  private final String source;
  private final ClusterView view;
  private final InstantSource clock;
  private final Duration grace;
  private final DeadLetters deadLetters;
  private final BooleanSupplier leads;
  private final RenewedProducer producer;
  private final Object lock = new Object();
  private final Thread thread;
  private Set<String> changed = new LinkedHashSet<>();
  private volatile boolean lost;
  private volatile boolean closed;

  /**
   * Starts it.
   *
   * @param deadLetters takes what the topic holds and cannot be read
   * @param leads whether this process is the one that writes
   */
  InventoryWriter(
      KafkaConfig kafka,
      String cluster,
      String source,
      ClusterView view,
      InstantSource clock,
      Duration grace,
      DeadLetters deadLetters,
      BooleanSupplier leads) {
    this.kafka = kafka;
    this.cluster = cluster;
    this.source = source;
    this.view = view;
    this.clock = clock;
    this.grace = grace;
    this.deadLetters = deadLetters;
    this.leads = leads;
    this.producer = new RenewedProducer(producerProperties(kafka));
    this.thread = Thread.ofVirtual().name("responder-inventory").start(this::run);
    view.listen(this::seen);
  }

  private static Map<String, Object> producerProperties(KafkaConfig kafka) {
    Map<String, Object> properties = kafka.producer("responder-inventory");
    // A broker takes a second batch of a producer that it does not know yet where it has refused
    // the first, which is then out of order for ever: the first would be lost.
    properties.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
    return properties;
  }

  private void seen(Inventory inventory) {
    synchronized (lock) {
      changed.add(inventory.pod().uid());
      lock.notifyAll();
    }
  }

  private Set<String> takeChanged() throws InterruptedException {
    synchronized (lock) {
      long end = System.nanoTime() + LOOK.toNanos();
      while (changed.isEmpty() && System.nanoTime() < end) {
        lock.wait(Math.max(1, (end - System.nanoTime()) / 1_000_000));
      }
      Set<String> taken = changed;
      changed = new LinkedHashSet<>();
      return taken;
    }
  }

  private void run() {
    Map<String, Inventory> written = null;
    long everything = 0;
    try {
      while (!closed) {
        Set<String> uids = takeChanged();
        if (!leads.getAsBoolean()) {
          written = null;
          continue;
        }
        if (lost) {
          Thread.sleep(AGAIN);
          lost = false;
          written = null;
        }
        try {
          if (written == null || System.nanoTime() >= everything) {
            written = written == null ? read() : written;
            reconcile(written);
            everything = System.nanoTime() + EVERYTHING.toNanos();
          } else {
            for (String uid : uids) {
              write(written, uid);
            }
          }
        } catch (KafkaException e) {
          written = null;
          log.atWarn().addKeyValue("problem", e.toString()).log("cannot write the inventory");
        }
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  /** What the topic says of this cluster, by uid. */
  private Map<String, Inventory> read() {
    Map<String, Inventory> found = new HashMap<>();
    TopicPartition partition = new TopicPartition(kafka.topic(TOPIC), 0);
    try (KafkaConsumer<byte[], byte[]> reader =
        new KafkaConsumer<>(kafka.reader("responder-inventory"))) {
      reader.assign(List.of(partition));
      reader.seekToBeginning(List.of(partition));
      long end = reader.endOffsets(List.of(partition), READ).getOrDefault(partition, 0L);
      while (reader.position(partition, READ) < end && !closed) {
        for (ConsumerRecord<byte[], byte[]> record : reader.poll(LOOK)) {
          take(record, found);
        }
      }
    }
    return found;
  }

  private void take(ConsumerRecord<byte[], byte[]> record, Map<String, Inventory> found) {
    try {
      String key = ResolveStage.key(record);
      if (!key.startsWith(cluster + "/")) {
        return;
      }
      String uid = key.substring(cluster.length() + 1);
      if (record.value() == null) {
        found.remove(uid);
      } else {
        found.put(uid, CloudEvents.fromRecord(record, Inventory.class).data());
      }
    } catch (MalformedEventException e) {
      ResolveStage.park(deadLetters, record, "malformed_event", e.getMessage());
    }
  }

  private void reconcile(Map<String, Inventory> written) {
    Instant now = clock.instant();
    Set<String> uids = new LinkedHashSet<>(written.keySet());
    view.pods().forEach(pod -> uids.add(pod.pod().uid()));
    for (String uid : uids) {
      Inventory last = written.get(uid);
      Instant to = last == null ? null : last.valid().to();
      if (to != null && to.plus(grace).isBefore(now)) {
        written.remove(uid);
        send(uid, null);
      } else {
        write(written, uid);
      }
    }
  }

  private void write(Map<String, Inventory> written, String uid) {
    Inventory last = written.get(uid);
    Optional<Inventory> seen = view.pod(uid);
    Inventory next;
    if (seen.isPresent()) {
      next = last == null ? seen.get() : since(seen.get(), last.valid().from());
    } else if (last != null && last.valid().to() == null) {
      next =
          new Inventory(
              last.pod(),
              last.owners(),
              last.spiffeId(),
              new Inventory.Validity(last.valid().from(), clock.instant()));
    } else {
      return;
    }
    if (!next.equals(last)) {
      written.put(uid, next);
      send(uid, next);
    }
  }

  private static Inventory since(Inventory inventory, Instant from) {
    return new Inventory(
        inventory.pod(),
        inventory.owners(),
        inventory.spiffeId(),
        new Inventory.Validity(from, inventory.valid().to()));
  }

  private void send(String uid, @Nullable Inventory inventory) {
    String key = cluster + "/" + uid;
    ProducerRecord<byte[], byte[]> record =
        inventory == null
            ? new ProducerRecord<>(kafka.topic(TOPIC), key.getBytes(UTF_8), null)
            : CloudEvents.toRecord(
                kafka.topic(TOPIC),
                key,
                new Envelope<>(
                    key + "/" + clock.instant().toEpochMilli(),
                    source,
                    clock.instant(),
                    inventory));
    producer.send(
        record,
        (metadata, failure) -> {
          if (failure != null) {
            lost = true;
            log.atWarn()
                .addKeyValue("key", key)
                .addKeyValue("problem", failure.toString())
                .log("an inventory record is not written; what the topic says is read again");
          }
        });
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(2));
  }
}
