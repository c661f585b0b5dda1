package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.streams.processor.TimestampExtractor;

/**
 * Event time of a record, from its {@code ce_time}. A time further ahead of the record's own
 * timestamp than {@link #TOLERANCE} is taken for that much ahead, so that one event with a wrong
 * clock does not make all others late. Without a readable time it is the record's timestamp; such
 * records are parked later.
 */
final class EventTimes implements TimestampExtractor {
  static final Duration TOLERANCE = Duration.ofSeconds(60);

  @Override
  public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
    Header header = record.headers().lastHeader(CloudEvents.TIME);
    long written = Math.max(0, record.timestamp());
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

  /** Whether an event's own time was further ahead than is taken for true. */
  static boolean isClamped(Instant time, long eventTime) {
    return time.isAfter(Instant.ofEpochMilli(eventTime).plusMillis(1));
  }

  /** The moment that an event counts as, with all digits where it was not clamped. */
  static Instant moment(Instant time, long eventTime) {
    return isClamped(time, eventTime) ? Instant.ofEpochMilli(eventTime) : time;
  }
}
