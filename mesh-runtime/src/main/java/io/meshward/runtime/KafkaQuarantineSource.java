package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds from the quarantine topic. A record whose key parses is a hold, whatever its value; what
 * cannot be read of it is parked as a dead letter.
 */
final class KafkaQuarantineSource implements QuarantineSource {
  private static final Logger log = LoggerFactory.getLogger(KafkaQuarantineSource.class);

  /**
   * Written and read before anything else, so that the first hold of all does not wait until the
   * classes that read one are loaded, which takes longer than the cut.
   */
  private static final Quarantine SPECIMEN =
      new Quarantine(
          new Quarantine.Hold("none", "none", "none", Instant.EPOCH, Instant.EPOCH, Instant.EPOCH),
          Subject.of(SpiffeId.parse("spiffe://specimen.test/nobody")));

  private final String topic;
  private final CompactedTopic records;
  private final EventReporter reporter;

  KafkaQuarantineSource(
      Map<String, Object> clientProperties, String prefix, EventReporter reporter) {
    this(clientProperties, prefix, reporter, CompactedTopic.STALE_AFTER);
  }

  KafkaQuarantineSource(
      Map<String, Object> clientProperties,
      String prefix,
      EventReporter reporter,
      Duration staleAfter) {
    this.topic = TopicCatalogue.QUARANTINE.name(prefix);
    this.records = new CompactedTopic(topic, clientProperties, staleAfter);
    this.reporter = reporter;
  }

  @Override
  public void watch(Listener listener) {
    records.watch(new Table(listener));
  }

  @Override
  public long ageMs() {
    return records.ageMs();
  }

  @Override
  public void close() {
    records.close();
  }

  /** The holds of one reading of the topic. */
  private final class Table implements CompactedTopic.Reader {
    private final Listener listener;
    private final Map<QuarantineKey, Hold> holds = new HashMap<>();

    Table(Listener listener) {
      this.listener = listener;
    }

    @Override
    public void begin() {
      holds.clear();
      var unused = EventCodec.decode(EventCodec.encode(SPECIMEN), Quarantine.class);
    }

    @Override
    public void upToDate() {
      listener.holds(List.copyOf(holds.values()));
    }

    @Override
    public void take(ConsumerRecord<byte[], byte[]> record) {
      QuarantineKey key;
      String text = record.key() == null ? "" : new String(record.key(), UTF_8);
      try {
        key = QuarantineKey.parse(text);
      } catch (MalformedEventException e) {
        log.atError()
            .addKeyValue("partition", record.partition())
            .addKeyValue("offset", record.offset())
            .addKeyValue("reason", e.getMessage())
            .log("a record of the quarantine names no subject");
        CompactedTopic.park(reporter, record, "malformed_key", e);
        return;
      }
      if (record.value() == null) {
        holds.remove(key);
      } else {
        holds.put(key, hold(key, record));
      }
    }
  }

  private Hold hold(QuarantineKey key, ConsumerRecord<byte[], byte[]> record) {
    try {
      Quarantine quarantine = EventCodec.decode(record.value(), Quarantine.class);
      if (quarantine.key().equals(key)) {
        Quarantine.Hold hold = quarantine.hold();
        return new Hold(key, hold.placedAt(), hold.expiresAt(), hold.issuedBefore());
      }
      log.atWarn()
          .addKeyValue("key", key)
          .log("a hold's value names another subject: its key holds");
    } catch (RuntimeException e) {
      // Whatever it is that the value does to its reader: the key holds.
      log.atWarn()
          .addKeyValue("key", key)
          .addKeyValue("reason", e.getMessage())
          .log("a hold's value cannot be read: it refuses every SVID, and does not end by itself");
      CompactedTopic.park(reporter, record, "malformed_event", e);
    }
    return Hold.ofUnreadable(key);
  }
}
