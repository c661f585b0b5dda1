package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * CloudEvents 1.0 in the binary content mode of the Kafka protocol binding: context attributes as
 * {@code ce_} headers, the event's JSON as the record's value. Thread-safe.
 */
public final class CloudEvents {
  public static final String ID = "ce_id";
  public static final String TYPE = "ce_type";
  public static final String SOURCE = "ce_source";
  public static final String SUBJECT = "ce_subject";
  public static final String TIME = "ce_time";

  /** The reporter's signature, if there is one: see {@link EventSignature}. */
  public static final String SIGNATURE = "ce_signature";

  private static final String SPEC_VERSION = "ce_specversion";
  private static final String TRACEPARENT = "traceparent";
  private static final String CONTENT_TYPE = "content-type";

  private CloudEvents() {}

  /** The record that carries an event; its timestamp is left to the producer's wall clock. */
  public static ProducerRecord<byte[], byte[]> toRecord(
      String topic, String key, Envelope<?> envelope) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, key.getBytes(UTF_8), EventCodec.encode(envelope.data()));
    writeHeaders(envelope, record.headers());
    return record;
  }

  /** Adds the context attributes of an event to a record's headers. */
  public static void writeHeaders(Envelope<?> envelope, Headers headers) {
    put(headers, SPEC_VERSION, "1.0");
    put(headers, ID, envelope.id());
    put(headers, TYPE, EventType.of(envelope.data()).cloudEventType());
    put(headers, SOURCE, envelope.source());
    put(headers, TIME, envelope.time().toString());
    put(headers, CONTENT_TYPE, "application/json");
    if (envelope.subject() != null) {
      put(headers, SUBJECT, envelope.subject());
    }
    if (envelope.traceparent() != null) {
      put(headers, TRACEPARENT, envelope.traceparent());
    }
  }

  /**
   * Reads an event of whatever kind its headers say.
   *
   * @throws MalformedEventException naming the header or field and what is wrong with it; also for
   *     a tombstone
   */
  public static Envelope<? extends Event> fromRecord(ConsumerRecord<byte[], byte[]> record) {
    return read(record.headers(), record.value(), type(record.headers()).eventClass());
  }

  /**
   * Reads an event that must be of one kind.
   *
   * @throws MalformedEventException naming the header or field and what is wrong with it; also for
   *     a tombstone
   */
  public static <E extends Event> Envelope<E> fromRecord(
      ConsumerRecord<byte[], byte[]> record, Class<E> eventClass) {
    return read(record.headers(), record.value(), eventClass);
  }

  /**
   * Reads headers and value of an event that must be of one kind.
   *
   * @throws MalformedEventException naming the header or field and what is wrong with it
   */
  public static <E extends Event> Envelope<E> read(
      Headers headers, byte @Nullable [] value, Class<E> eventClass) {
    Attributes attributes = attributes(headers);
    if (!attributes.type().eventClass().equals(eventClass)) {
      throw new MalformedEventException(
          "ce_type is '"
              + attributes.type().cloudEventType()
              + "': expected the type of "
              + eventClass.getSimpleName());
    }
    if (value == null) {
      throw new MalformedEventException("the value is null: expected " + attributes.type().kind());
    }
    return new Envelope<>(
        attributes.id(),
        attributes.source(),
        attributes.subject(),
        attributes.time(),
        attributes.traceparent(),
        EventCodec.decode(value, eventClass));
  }

  /**
   * The context attributes of an event, without its data.
   *
   * @param type which kind of event it is
   */
  public record Attributes(
      EventType type,
      String id,
      String source,
      @Nullable String subject,
      Instant time,
      @Nullable String traceparent) {}

  /**
   * Reads the context attributes alone: for readers that may not need the data.
   *
   * @throws MalformedEventException naming the header and what is wrong with it
   */
  public static Attributes attributes(Headers headers) {
    return new Attributes(
        type(headers),
        required(headers, ID),
        required(headers, SOURCE),
        optional(headers, SUBJECT),
        time(required(headers, TIME)),
        optional(headers, TRACEPARENT));
  }

  /**
   * The kind of event that headers announce.
   *
   * @throws MalformedEventException if they announce none of ours
   */
  public static EventType type(Headers headers) {
    return EventType.ofCloudEventType(required(headers, TYPE));
  }

  private static Instant time(String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw new MalformedEventException(
          "ce_time is '" + text + "': expected an RFC 3339 time in UTC", e);
    }
  }

  private static String required(Headers headers, String name) {
    String value = optional(headers, name);
    if (value == null || value.isBlank()) {
      throw new MalformedEventException("header " + name + " is missing or blank");
    }
    return value;
  }

  private static @Nullable String optional(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null || header.value() == null ? null : new String(header.value(), UTF_8);
  }

  private static void put(Headers headers, String name, String value) {
    headers.remove(name);
    headers.add(name, value.getBytes(UTF_8));
  }
}
