package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.PolicyBundle;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** The policy from one bundle on the compacted topic of policies. A tombstone is no policy. */
final class KafkaPolicySource implements PolicySource {
  private final String topic;
  private final EventReporter reporter;
  private final String bundle;
  private final CompactedTopic records;
  private final CountDownLatch read = new CountDownLatch(1);

  /**
   * @param reporter parks what cannot be read
   */
  KafkaPolicySource(
      Map<String, Object> clientProperties, String prefix, EventReporter reporter, String bundle) {
    this.reporter = reporter;
    this.topic = TopicCatalogue.POLICIES.name(prefix);
    this.bundle = bundle;
    this.records = new CompactedTopic(topic, clientProperties, CompactedTopic.STALE_AFTER);
  }

  @Override
  public void watch(Listener listener) {
    records.watch(new Latest(listener));
  }

  @Override
  public boolean awaitRead(Duration deadline) throws InterruptedException {
    return read.await(deadline.toMillis(), MILLISECONDS);
  }

  @Override
  public long ageMs() {
    return records.ageMs();
  }

  @Override
  public void close() {
    records.close();
  }

  @Override
  public String toString() {
    return "topic " + topic + ", bundle '" + bundle + "'";
  }

  /** The newest record of the bundle. */
  private final class Latest implements CompactedTopic.Reader {
    private final Listener listener;
    private @Nullable Documents latest;
    private @Nullable String problem;

    Latest(Listener listener) {
      this.listener = listener;
    }

    @Override
    public void begin() {
      latest = null;
      problem = null;
    }

    @Override
    public void take(ConsumerRecord<byte[], byte[]> record) {
      if (record.key() != null && new String(record.key(), UTF_8).equals(bundle)) {
        read(record);
      }
    }

    @Override
    public void upToDate() {
      if (problem == null) {
        listener.policy(Optional.ofNullable(latest));
      } else {
        listener.unreadable(problem);
      }
      read.countDown();
    }

    private void read(ConsumerRecord<byte[], byte[]> record) {
      latest = null;
      problem = null;
      if (record.value() == null) {
        return;
      }
      try {
        PolicyBundle.Policy policy = EventCodec.decode(record.value(), PolicyBundle.class).policy();
        if (policy.bundle().equals(bundle)) {
          latest = new Documents(policy.document(), policy.shadowDocument());
        } else {
          problem = KafkaPolicySource.this + " has a record of bundle '" + policy.bundle() + "'";
        }
      } catch (MalformedEventException e) {
        problem = KafkaPolicySource.this + " has a record that cannot be read: " + e.getMessage();
        CompactedTopic.park(reporter, record, "malformed_event", e);
      }
    }
  }
}
