package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.EventCodec;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.Risk;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores from the compacted risk topic. An identity has none before the topic has been read to its
 * end, when its record cannot be read or is over, when Kafka has not been heard of for long, and
 * when more identities have scores than are kept: in each case a rule that needs it fails closed.
 */
final class KafkaRiskSource implements RiskSource {
  private static final Logger log = LoggerFactory.getLogger(KafkaRiskSource.class);
  private static final Duration STALE_AFTER = Duration.ofMinutes(1);
  private static final int MOST_IDENTITIES = 200_000;

  private record Score(double score, long validUntilMs) {}

  private final CompactedTopic records;
  private final EventReporter reporter;
  private final Clock clock;
  private final Duration staleAfter;
  private final AtomicBoolean started = new AtomicBoolean();
  private volatile Map<SpiffeId, Score> scores = Map.of();

  KafkaRiskSource(
      Map<String, Object> clientProperties, String prefix, EventReporter reporter, Clock clock) {
    this(clientProperties, prefix, reporter, clock, STALE_AFTER);
  }

  /**
   * @param reporter parks what cannot be read
   * @param staleAfter how long after the last word from Kafka the scores still count
   */
  KafkaRiskSource(
      Map<String, Object> clientProperties,
      String prefix,
      EventReporter reporter,
      Clock clock,
      Duration staleAfter) {
    this.reporter = reporter;
    this.records =
        new CompactedTopic(
            TopicCatalogue.RISK.name(prefix), clientProperties, CompactedTopic.STALE_AFTER);
    this.clock = clock;
    this.staleAfter = staleAfter;
  }

  @Override
  public void start() {
    if (started.compareAndSet(false, true)) {
      records.watch(new Table());
    }
  }

  @Override
  public double score(SpiffeId id) {
    Score found = scores.get(id);
    long age = records.ageMs();
    return found == null
            || age < 0
            || age > staleAfter.toMillis()
            || clock.millis() >= found.validUntilMs()
        ? Double.NaN
        : found.score();
  }

  @Override
  public long ageMs() {
    return started.get() ? records.ageMs() : 0;
  }

  @Override
  public void close() {
    records.close();
  }

  /** The scores of one reading of the topic; readers see changes at once after the first end. */
  private final class Table implements CompactedTopic.Reader {
    private Map<SpiffeId, Score> next = new ConcurrentHashMap<>();

    @Override
    public void begin() {
      next = new ConcurrentHashMap<>();
    }

    @Override
    public void take(ConsumerRecord<byte[], byte[]> record) {
      SpiffeId id = id(record);
      if (id == null) {
        return;
      }
      Score score = record.value() == null ? null : score(id, record);
      if (score == null) {
        next.remove(id);
      } else if (next.size() < MOST_IDENTITIES || next.containsKey(id)) {
        next.put(id, score);
      } else {
        log.atError()
            .addKeyValue("id", id)
            .addKeyValue("most", MOST_IDENTITIES)
            .log("more identities have risk scores than are kept: this one has none");
      }
    }

    @Override
    public void upToDate() {
      scores = next;
    }
  }

  private @Nullable SpiffeId id(ConsumerRecord<byte[], byte[]> record) {
    String key = record.key() == null ? "" : new String(record.key(), UTF_8);
    try {
      return SpiffeId.parse(key);
    } catch (InvalidSpiffeIdException e) {
      log.atWarn()
          .addKeyValue("offset", record.offset())
          .addKeyValue("reason", e.getMessage())
          .log("a risk score is of no SPIFFE ID: it is ignored");
      CompactedTopic.park(reporter, record, "malformed_key", e);
      return null;
    }
  }

  private @Nullable Score score(SpiffeId id, ConsumerRecord<byte[], byte[]> record) {
    try {
      Risk.Score score = EventCodec.decode(record.value(), Risk.class).risk();
      if (score.id().equals(id)) {
        return new Score(score.score(), score.validUntil().toEpochMilli());
      }
      log.atWarn().addKeyValue("id", id).log("a risk score's value names another identity");
    } catch (MalformedEventException | ArithmeticException e) {
      // The latter is of an end that no clock will ever show.
      log.atWarn()
          .addKeyValue("id", id)
          .addKeyValue("reason", e.getMessage())
          .log("a risk score cannot be read: the identity has none");
      CompactedTopic.park(reporter, record, "malformed_event", e);
    }
    return null;
  }
}
