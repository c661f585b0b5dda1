package io.meshward.responder;

import io.meshward.daemon.Health;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that reads from Kafka until it is closed. Whatever fails is told to the health check,
 * and it begins again with another consumer. Thread-safe.
 */
final class ConsumerLoop implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConsumerLoop.class);
  private static final Duration AGAIN = Duration.ofSeconds(1);
  private static final Duration CLOSE = Duration.ofSeconds(8);

  /** What is done with a consumer. */
  interface Reading {
    /** Reads until the loop is closed. */
    void read(KafkaConsumer<byte[], byte[]> reader);

    /** The consumer is of no use any more: what depends on it is given up. */
    void lost();
  }

  private final Map<String, Object> properties;
  private final Health.Check check;
  private final Reading reading;
  private final Thread thread;
  private volatile boolean closed;
  private volatile @Nullable KafkaConsumer<byte[], byte[]> consumer;

  ConsumerLoop(String name, Map<String, Object> properties, Health.Check check, Reading reading) {
    this.properties = properties;
    this.check = check;
    this.reading = reading;
    this.thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  boolean closed() {
    return closed;
  }

  private void run() {
    while (!closed) {
      try (KafkaConsumer<byte[], byte[]> reader = new KafkaConsumer<>(properties)) {
        consumer = reader;
        reading.read(reader);
      } catch (WakeupException e) {
        // Closed.
      } catch (Checkpoint.Killed e) {
        log.atInfo().addKeyValue("place", e.getMessage()).log("killed");
        closed = true;
      } catch (RuntimeException e) {
        check.fail(String.valueOf(e.getMessage()));
        log.atWarn()
            .addKeyValue("reader", thread.getName())
            .addKeyValue("problem", e.toString())
            .log("cannot read; beginning again");
        pause();
      } finally {
        consumer = null;
        reading.lost();
      }
    }
  }

  private void pause() {
    try {
      Thread.sleep(AGAIN);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      closed = true;
    }
  }

  /** Returns once the thread has ended, or after some seconds. Idempotent. */
  @Override
  public void close() {
    closed = true;
    KafkaConsumer<byte[], byte[]> reader = consumer;
    if (reader != null) {
      reader.wakeup();
    }
    try {
      if (!thread.join(CLOSE)) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
