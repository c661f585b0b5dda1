package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Event time of a record, from its {@code ce_time}. A time further ahead of the record's own
 * timestamp than {@link #TOLERANCE} is taken for that much ahead, so that one event with a wrong
 * clock does not make all others late. Without a readable time it is the record's timestamp; such
 * records are parked later. Of a signed event the record's own timestamp, which Streams does not
 * pass on, is kept in a header.
 */
final class EventTimes implements TimestampExtractor {
  static final Duration TOLERANCE = Duration.ofSeconds(60);

  private static final String WRITTEN = "meshward_written";

  @Override
  public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
    Header header = record.headers().lastHeader(CloudEvents.TIME);
    long written = Math.max(0, record.timestamp());
    if (record.headers().lastHeader(CloudEvents.SIGNATURE) != null) {
      record.headers().add(WRITTEN, Long.toString(written).getBytes(UTF_8));
    }
    if (header == null || header.value() == null) {
      return written;
    }
    try {
      long time = Instant.parse(new String(header.value(), UTF_8)).toEpochMilli();
      return Math.clamp(time, 0, written + TOLERANCE.toMillis());
    } catch (DateTimeParseException | ArithmeticException e) {
      return written;
    }
  }

  /** When a signed event was written: its record's own timestamp. */
  static Instant written(Record<?, ?> record) {
    boolean signed = record.headers().lastHeader(CloudEvents.SIGNATURE) != null;
    Header written = signed ? record.headers().lastHeader(WRITTEN) : null;
    return Instant.ofEpochMilli(
        written == null ? record.timestamp() : Long.parseLong(new String(written.value(), UTF_8)));
  }

  /** Whether an event's own time was further ahead than is taken for true. */
  static boolean isClamped(Instant time, long eventTime) {
    return time.isAfter(Instant.ofEpochMilli(eventTime).plusMillis(1));
  }

  /** The moment that an event counts as, with all digits where it was not clamped. */
  static Instant moment(Instant time, long eventTime) {
    return isClamped(time, eventTime) ? Instant.ofEpochMilli(eventTime) : time;
  }
}
