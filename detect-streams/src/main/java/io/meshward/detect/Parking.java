package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.DeadLetter;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where records go that cannot be used, so that the next one can. Thread-safe. */
final class Parking {
  /** The record is no event of ours, or not of a kind that belongs on its topic. */
  static final String MALFORMED = "malformed_event";

  /** The event is proved not to be what its reporter sent. */
  static final String FORGED = "forged_event";

  /** The event could be read, but working on it failed. */
  static final String FAILED = "processing_failed";

  /** What was to be written was refused. */
  static final String REFUSED = "record_refused";

  private static final Logger log = LoggerFactory.getLogger(Parking.class);

  private static final long LINE_NANOS = 1_000_000_000L;

  private final AtomicLong nextLine = new AtomicLong(System.nanoTime());
  private final AtomicLong untold = new AtomicLong();
  private final Place place;

  /** Keeps a message; {@code DeadLetters.write}. */
  @FunctionalInterface
  interface Place {
    void write(
        @Nullable String key,
        DeadLetter.Origin origin,
        String cause,
        String detail,
        byte[] message);
  }

  Parking(Place place) {
    this.place = place;
  }

  void park(Record<byte[], byte[]> record, RecordMetadata origin, String cause, Exception problem) {
    park(
        record.key(),
        new DeadLetter.Origin(origin.topic(), origin.partition(), origin.offset(), null),
        cause,
        problem,
        record.value());
  }

  void park(
      byte @Nullable [] key,
      DeadLetter.Origin origin,
      String cause,
      Exception problem,
      byte @Nullable [] message) {
    String detail = problem.getMessage() == null ? problem.toString() : problem.getMessage();
    tell(origin, cause, problem);
    place.write(
        key == null ? null : new String(key, UTF_8),
        origin,
        cause,
        Group.wellFormed(detail),
        message == null ? new byte[0] : message);
  }

  /** One line a second at most: whoever can write to a topic decides how much is parked. */
  private void tell(DeadLetter.Origin origin, String cause, Exception problem) {
    long now = System.nanoTime();
    long next = nextLine.get();
    if (now - next < 0 || !nextLine.compareAndSet(next, now + LINE_NANOS)) {
      untold.incrementAndGet();
      return;
    }
    log.atWarn()
        .addKeyValue("topic", origin.topic())
        .addKeyValue("partition", origin.partition())
        .addKeyValue("offset", origin.offset())
        .addKeyValue("cause", cause)
        .addKeyValue("problem", problem.toString())
        .addKeyValue("untold", untold.getAndSet(0))
        .log("a record is parked");
  }
}
