package io.meshward.cli;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.Fact;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Topic;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * What stands on Meshward's topics, read from their start by an observer without a group, and kept
 * in the order of arrival, but for watermarks, of which there are many. Thread-safe.
 */
final class PipelineRecords implements AutoCloseable {
  /** More than a demonstration writes. */
  private static final int MAX_RECORDS = 500_000;

  private static final Duration POLL = Duration.ofMillis(100);

  /**
   * A record of a topic.
   *
   * @param topic its name without prefix
   * @param writtenAt its writer's wall clock
   */
  record Observed<E extends Event>(String topic, Instant writtenAt, Envelope<E> envelope) {
    E event() {
      return envelope.data();
    }
  }

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, String> topics;
  private final Consumer<Observed<?>> listener;
  private final List<Observed<?>> records = new ArrayList<>();
  private final Thread reader;
  private @Nullable RuntimeException failure;

  private PipelineRecords(
      KafkaConsumer<byte[], byte[]> consumer,
      Map<String, String> topics,
      Consumer<Observed<?>> listener) {
    this.consumer = consumer;
    this.topics = topics;
    this.listener = listener;
    this.reader = Thread.ofPlatform().name("pipeline-records").unstarted(this::read);
  }

  /**
   * Starts reading.
   *
   * @param properties of a Kafka consumer of bytes
   * @param listener hears of every record once it is kept, on the reader's thread
   */
  static PipelineRecords start(
      Map<String, Object> properties,
      String prefix,
      List<Topic> topics,
      Consumer<Observed<?>> listener) {
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties);
    List<TopicPartition> partitions =
        topics.stream()
            .flatMap(
                topic ->
                    Stream.iterate(0, i -> i + 1)
                        .limit(topic.partitions())
                        .map(i -> new TopicPartition(topic.name(prefix), i)))
            .toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Map<String, String> names = new HashMap<>();
    topics.forEach(topic -> names.put(topic.name(prefix), topic.name()));
    PipelineRecords records = new PipelineRecords(consumer, Map.copyOf(names), listener);
    records.reader.start();
    return records;
  }

  private void read() {
    try (consumer) {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          if (record.value() != null) {
            Observed<?> observed = observed(record);
            if (!(observed.event() instanceof Fact.Watermark)) {
              keep(observed);
            }
          }
        }
      }
    } catch (WakeupException e) {
      // Closed.
    } catch (RuntimeException e) {
      synchronized (this) {
        failure = e;
        notifyAll();
      }
    }
  }

  private Observed<?> observed(ConsumerRecord<byte[], byte[]> record) {
    String topic = Optional.ofNullable(topics.get(record.topic())).orElseThrow();
    try {
      return new Observed<>(
          topic, Instant.ofEpochMilli(record.timestamp()), CloudEvents.fromRecord(record));
    } catch (MalformedEventException e) {
      throw new IllegalStateException(
          record.topic() + "-" + record.partition() + "@" + record.offset() + ": " + e.getMessage(),
          e);
    }
  }

  private void keep(Observed<?> observed) {
    synchronized (this) {
      if (records.size() == MAX_RECORDS) {
        throw new IllegalStateException("more than " + MAX_RECORDS + " records");
      }
      records.add(observed);
      notifyAll();
    }
    listener.accept(observed);
  }

  /** All events of a kind that fit, oldest first. */
  synchronized <E extends Event> List<Observed<E>> all(Class<E> kind, Predicate<E> fits) {
    List<Observed<E>> found = new ArrayList<>();
    for (Observed<?> record : records) {
      if (fits(record, kind, fits)) {
        found.add(typed(record));
      }
    }
    return found;
  }

  /** The first event of a kind that fits. */
  <E extends Event> Optional<Observed<E>> first(Class<E> kind, Predicate<E> fits) {
    return all(kind, fits).stream().findFirst();
  }

  /**
   * Waits for the first event of a kind that fits.
   *
   * @param what is waited for, in words for the message
   * @throws TimeoutException saying what did not come
   */
  synchronized <E extends Event> Observed<E> await(
      Class<E> kind, String what, Duration time, Predicate<E> fits)
      throws InterruptedException, TimeoutException {
    long end = System.nanoTime() + time.toNanos();
    int next = 0;
    while (true) {
      for (; next < records.size(); next++) {
        if (fits(records.get(next), kind, fits)) {
          return typed(records.get(next));
        }
      }
      if (failure != null) {
        throw new IllegalStateException("topics cannot be read: " + failure.getMessage(), failure);
      }
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new TimeoutException(what + " did not come within " + time.toSeconds() + " s");
      }
      wait(left);
    }
  }

  private static <E extends Event> boolean fits(
      Observed<?> record, Class<E> kind, Predicate<E> fits) {
    Event event = record.event();
    return kind.isInstance(event) && fits.test(kind.cast(event));
  }

  @SuppressWarnings("unchecked") // The event's class was checked by the caller.
  private static <E extends Event> Observed<E> typed(Observed<?> record) {
    return (Observed<E>) record;
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      reader.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
