package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventType;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends events to Kafka from a thread of its own, with an idempotent producer. Each class of events
 * has a queue of its own bound; a full one drops what comes, and so does a record that the broker
 * does not acknowledge within the producer's delivery timeout, or that cannot be made. All are
 * counted. All but plain allows are signed; one that cannot be is sent without a signature.
 * Thread-safe.
 */
final class KafkaEventSink implements EventSink {
  private static final Logger log = LoggerFactory.getLogger(KafkaEventSink.class);
  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(5);
  private static final long IDLE_MS = 100;
  private static final int DELIVERY_TIMEOUT_MS = 120_000;
  private static final int BUFFER_BYTES = 8 * 1024 * 1024;
  private static final int BATCH_BYTES = 64 * 1024;

  /** One event that waits. */
  private record Waiting(String key, Envelope<? extends Event> event) {}

  /** One kind of failure, of which no second one is logged. */
  private record Told(String words, Class<?> failure) {}

  private final String prefix;
  private final Consumer<ProducerRecord<byte[], byte[]>> signer;
  private final Map<EventClass, ArrayBlockingQueue<Waiting>> queues =
      new EnumMap<>(EventClass.class);
  private final Map<EventClass, AtomicLong> dropped = new EnumMap<>(EventClass.class);
  private final Semaphore waiting = new Semaphore(0);
  private final RenewedProducer producer;
  private final Thread sender;

  /** What was unforeseen and has been logged, once for each kind; on the sender's thread. */
  private final Set<Told> told = new HashSet<>();

  private volatile boolean closing;

  /**
   * @param clientProperties settings of Kafka clients; what the sink's promises need is set over
   *     them
   * @param signer signs, on the sink's own thread, all but plain allows
   */
  KafkaEventSink(
      Map<String, Object> clientProperties,
      String prefix,
      Consumer<ProducerRecord<byte[], byte[]>> signer) {
    this.prefix = prefix;
    this.signer = signer;
    for (EventClass eventClass : EventClass.values()) {
      queues.put(eventClass, new ArrayBlockingQueue<>(eventClass.capacity()));
      dropped.put(eventClass, new AtomicLong());
    }
    this.producer = new RenewedProducer(properties(clientProperties));
    this.sender = Thread.ofPlatform().daemon().name("meshward-events").start(this::send);
  }

  private static Map<String, Object> properties(Map<String, Object> clientProperties) {
    Map<String, Object> properties = new HashMap<>(clientProperties);
    properties.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, 2);
    properties.putIfAbsent(ProducerConfig.BUFFER_MEMORY_CONFIG, BUFFER_BYTES);
    properties.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, BATCH_BYTES);
    // While Kafka is away, records wait as long for room as they wait for an acknowledgement.
    properties.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, DELIVERY_TIMEOUT_MS);
    properties.putIfAbsent(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, DELIVERY_TIMEOUT_MS);
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    // A broker takes any sequence of a producer that it does not know yet. Were the first batch
    // refused, as by a leader that is only about to be one, and a second, already under way, taken,
    // the first would be out of order for ever, and all behind it would wait and be lost.
    properties.put(ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, 1);
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    return properties;
  }

  @Override
  public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
    if (!closing && queue(eventClass).offer(new Waiting(key, event))) {
      waiting.release();
      return true;
    }
    count(eventClass).incrementAndGet();
    return false;
  }

  @Override
  public long dropped(EventClass eventClass) {
    return count(eventClass).get();
  }

  private void send() {
    while (true) {
      try {
        if (waiting.tryAcquire(IDLE_MS, MILLISECONDS)) {
          sendNext();
        } else if (closing) {
          return;
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** The next event in the order of the classes. */
  private void sendNext() {
    for (EventClass eventClass : EventClass.values()) {
      Waiting next = queue(eventClass).poll();
      if (next != null) {
        send(eventClass, next);
        return;
      }
    }
  }

  private void send(EventClass eventClass, Waiting next) {
    try {
      String topic = topic(next.event().data()).name(prefix);
      ProducerRecord<byte[], byte[]> record = CloudEvents.toRecord(topic, next.key(), next.event());
      if (eventClass != EventClass.ALLOW) {
        sign(record);
      }
      producer.send(record, (metadata, failure) -> settle(eventClass, failure));
    } catch (RuntimeException e) {
      // Whatever is wrong with one event, the others have to be sent.
      settle(eventClass, e);
      if (!(e instanceof KafkaException)) {
        tellOnce(e, "an event could not be sent: it counts as dropped, as do others of that kind");
      }
    }
  }

  private void sign(ProducerRecord<byte[], byte[]> record) {
    try {
      signer.accept(record);
    } catch (RuntimeException e) {
      tellOnce(e, "events cannot be signed: they are sent without a signature");
    }
  }

  private void tellOnce(RuntimeException e, String words) {
    if (told.add(new Told(words, e.getClass()))) {
      log.atError().setCause(e).log(words);
    }
  }

  private static Topic topic(Event event) {
    return switch (EventType.of(event)) {
      case ENFORCEMENT -> TopicCatalogue.ENFORCEMENT;
      case DEAD_LETTER -> TopicCatalogue.DEADLETTER;
      case TLS_HANDSHAKE, AUTHZ_DECISION, SVID_LIFECYCLE -> TopicCatalogue.EVENTS_IDENTITY;
      case FALCO_ALERT,
          DETECTION,
          WORK,
          RESPONSE,
          CONTAINMENT,
          QUARANTINE,
          INVENTORY,
          RISK,
          POLICY,
          FACT,
          APPROVAL,
          CONTROL ->
          throw new IllegalStateException("a workload does not report " + EventType.of(event));
    };
  }

  private void settle(EventClass eventClass, @Nullable Exception failure) {
    if (failure != null) {
      count(eventClass).incrementAndGet();
      // Told once a second by its count; one by one these could be thousands.
      log.atDebug()
          .addKeyValue("class", eventClass)
          .addKeyValue("reason", failure.toString())
          .log("an event could not be sent");
    }
  }

  private ArrayBlockingQueue<Waiting> queue(EventClass eventClass) {
    ArrayBlockingQueue<Waiting> queue = queues.get(eventClass);
    if (queue == null) {
      throw new IllegalStateException("every class has a queue");
    }
    return queue;
  }

  private AtomicLong count(EventClass eventClass) {
    AtomicLong count = dropped.get(eventClass);
    if (count == null) {
      throw new IllegalStateException("every class has a count");
    }
    return count;
  }

  /** Sends what waits, for five seconds at most. */
  @Override
  public void close() {
    if (closing) {
      return;
    }
    closing = true;
    long end = System.nanoTime() + CLOSE_DEADLINE.toNanos();
    try {
      sender.join(CLOSE_DEADLINE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
    sender.interrupt();
    int left = queues.values().stream().mapToInt(ArrayBlockingQueue::size).sum();
    if (left > 0) {
      log.atWarn()
          .addKeyValue("count", left)
          .log("events are lost: Kafka did not take them in time");
    }
  }
}
