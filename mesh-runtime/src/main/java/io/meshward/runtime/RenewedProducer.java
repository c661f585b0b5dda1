package io.meshward.runtime;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.jspecify.annotations.Nullable;

/**
 * An idempotent producer that another one takes the place of where Kafka refused it before its
 * first record.
 *
 * <p>A producer that is refused before it knows its own id, as where one side knows the authority
 * of the other only a moment later, has failed for good (KIP-98): another one may not. It is tried
 * with the next record, at most once a second; those that were refused are their sender's affair.
 * One that sent something recovers by itself, and what waits in it is kept. Thread-safe.
 */
public final class RenewedProducer implements AutoCloseable {
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final Map<String, Object> properties;
  private final ReentrantLock renewing = new ReentrantLock();
  private volatile KafkaProducer<byte[], byte[]> producer;
  private volatile @Nullable KafkaProducer<byte[], byte[]> acknowledged;
  private volatile @Nullable KafkaProducer<byte[], byte[]> refused;
  private volatile boolean closed;

  /** Under the lock. */
  private long nextRenewal = System.nanoTime();

  /**
   * @param properties of an idempotent producer of bytes
   * @throws org.apache.kafka.common.KafkaException if they are not
   */
  public RenewedProducer(Map<String, Object> properties) {
    this.properties = Map.copyOf(properties);
    this.producer = new KafkaProducer<>(this.properties);
  }

  /**
   * Sends a record, as {@link KafkaProducer#send(ProducerRecord, Callback)} does.
   *
   * @param settled hears what became of it, unless this throws
   * @throws org.apache.kafka.common.KafkaException if it cannot be sent
   */
  public void send(ProducerRecord<byte[], byte[]> record, Callback settled) {
    renewRefused();
    KafkaProducer<byte[], byte[]> used = producer;
    try {
      var unused =
          used.send(
              record,
              (metadata, failure) -> {
                note(used, failure);
                settled.onCompletion(metadata, failure);
              });
    } catch (RuntimeException e) {
      note(used, e);
      throw e;
    }
  }

  private void note(KafkaProducer<byte[], byte[]> used, @Nullable Exception failure) {
    if (failure == null) {
      acknowledged = used;
    } else if (!used.equals(acknowledged) && isRefusal(failure)) {
      refused = used;
    }
  }

  /** One that has failed says so of each record, with what it failed of as the cause. */
  private static boolean isRefusal(Throwable failure) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (each instanceof AuthenticationException
          || each instanceof ClusterAuthorizationException) {
        return true;
      }
    }
    return false;
  }

  private void renewRefused() {
    KafkaProducer<byte[], byte[]> last = producer;
    // Who comes while another one renews it is refused once more.
    if (!last.equals(refused) || !renewing.tryLock()) {
      return;
    }
    try {
      long now = System.nanoTime();
      if (closed || !producer.equals(last) || now - nextRenewal < 0) {
        return;
      }
      nextRenewal = now + PAUSE_NANOS;
      producer = new KafkaProducer<>(properties);
    } finally {
      renewing.unlock();
    }
    last.close(Duration.ZERO);
    if (closed) {
      producer.close(Duration.ZERO);
    }
  }

  /** As {@link #close(Duration)}, for want of a deadline without any wait. */
  @Override
  public void close() {
    close(Duration.ZERO);
  }

  /** Waits for what is under way, at most for a while. Idempotent. */
  public void close(Duration atMost) {
    closed = true;
    producer.close(atMost);
  }
}
