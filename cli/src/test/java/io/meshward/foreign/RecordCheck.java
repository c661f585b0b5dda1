package io.meshward.foreign;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import java.net.URI;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Holds a record to what its channel says: a CloudEvent 1.0 in the binary mode of the Kafka
 * protocol binding, of one of the channel's types, with a value of that type's schema; or a
 * tombstone where the topic is compacted.
 */
final class RecordCheck {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String TRACEPARENT = "00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}";

  private final Channel channel;
  private final ConsumerRecord<byte[], byte[]> record;
  private final List<String> problems = new ArrayList<>();

  private RecordCheck(Channel channel, ConsumerRecord<byte[], byte[]> record) {
    this.channel = channel;
    this.record = record;
  }

  /** What kind of record it says it is. */
  static String kind(ConsumerRecord<byte[], byte[]> record) {
    return record.value() == null ? "tombstone" : String.valueOf(header(record, "ce_type"));
  }

  /** What is wrong with a record, with its place. */
  static List<String> problems(Channel channel, ConsumerRecord<byte[], byte[]> record) {
    RecordCheck check = new RecordCheck(channel, record);
    check.check();
    return check.problems;
  }

  private void check() {
    if (record.key() == null) {
      problem("no key");
    }
    if (record.value() == null) {
      if (!channel.tombstones()) {
        problem("null on a topic that is not compacted");
      }
      return;
    }
    checkHeaders();
    String type = header(record, "ce_type");
    Schema schema = type == null ? null : channel.payloads().get(type);
    if (schema == null) {
      problem("ce_type " + type + " is none of " + channel.payloads().keySet());
      return;
    }
    errors(schema, new String(record.value(), UTF_8))
        .forEach(error -> problem(type + ": " + error));
  }

  private void checkHeaders() {
    ObjectNode headers = MAPPER.createObjectNode();
    for (Header header : record.headers()) {
      if (headers.has(header.key())) {
        problem("header " + header.key() + " is there twice");
      }
      headers.put(header.key(), text(header));
    }
    errors(channel.headers(), headers.toString()).forEach(error -> problem("headers: " + error));
    checkHeader("ce_specversion", text -> text.equals("1.0"));
    checkHeader("content-type", text -> text.equals("application/json"));
    checkHeader("ce_id", text -> !text.isBlank());
    checkHeader("ce_source", text -> !text.isBlank() && isUriReference(text));
    checkHeader("ce_time", RecordCheck::isTime);
    checkHeader("ce_subject", text -> !text.isBlank());
    checkHeader("traceparent", text -> text.matches(TRACEPARENT));
  }

  private void checkHeader(String name, Predicate<String> fits) {
    String text = header(record, name);
    if (text != null && !fits.test(text)) {
      problem("header " + name + " is '" + text + "'");
    }
  }

  private void problem(String what) {
    problems.add(record.topic() + "-" + record.partition() + "@" + record.offset() + ": " + what);
  }

  private static boolean isUriReference(String text) {
    try {
      return URI.create(text).toString().equals(text);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean isTime(String text) {
    try {
      return !OffsetDateTime.parse(text).toString().isEmpty();
    } catch (DateTimeException e) {
      return false;
    }
  }

  private static List<Error> errors(Schema schema, String json) {
    return schema.validate(
        json,
        InputFormat.JSON,
        context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)));
  }

  private static @Nullable String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : text(header);
  }

  private static @Nullable String text(Header header) {
    return header.value() == null ? null : new String(header.value(), UTF_8);
  }
}
