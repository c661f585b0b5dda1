package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.DeadLetter;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where records go that cannot be used, so that the next one can. Thread-safe. */
final class Parking {
  /** The record is no event of ours, or not of a kind that belongs on its topic. */
  static final String MALFORMED = "malformed_event";

  /** The event could be read, but working on it failed. */
  static final String FAILED = "processing_failed";

  /** What was to be written was refused. */
  static final String REFUSED = "record_refused";

  private static final Logger log = LoggerFactory.getLogger(Parking.class);

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

  void malformed(Record<byte[], byte[]> record, RecordMetadata origin, Exception problem) {
    park(
        record.key(),
        new DeadLetter.Origin(origin.topic(), origin.partition(), origin.offset(), null),
        MALFORMED,
        problem,
        record.value());
  }

  void park(
      byte @Nullable [] key,
      DeadLetter.Origin origin,
      String cause,
      Exception problem,
      byte @Nullable [] message) {
    log.atWarn()
        .addKeyValue("topic", origin.topic())
        .addKeyValue("partition", origin.partition())
        .addKeyValue("offset", origin.offset())
        .addKeyValue("cause", cause)
        .addKeyValue("problem", problem.toString())
        .log("a record is parked");
    String detail = problem.getMessage() == null ? problem.toString() : problem.getMessage();
    place.write(
        key == null ? null : new String(key, UTF_8),
        origin,
        cause,
        Group.wellFormed(detail),
        message == null ? new byte[0] : message);
  }
}
