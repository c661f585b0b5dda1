package io.meshward.ingest;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.MalformedEventException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/**
 * Understands an alert as Falco's {@code http_output} or falcosidekick sends it.
 *
 * <p>Its keys may be in any case. {@code rule}, {@code priority} and {@code time} are required;
 * Falco can be told to leave the others out. What {@code output_fields} holds is kept as it came,
 * numbers exactly; a top-level key that is not Falco's is kept beside it. Thread-safe.
 */
final class AlertParser {
  private static final Set<String> KNOWN =
      Set.of(
          "rule",
          "priority",
          "source",
          "output",
          "time",
          "hostname",
          "uuid",
          "tags",
          "output_fields");

  /** What Falco calls the source of system calls, its own default. */
  private static final String DEFAULT_SOURCE = "syscall";

  /** What falcosidekick writes where an alert has no source. */
  private static final String FORWARDERS_DEFAULT_SOURCE = "syscalls";

  /** A name of a Kubernetes object; anything else in its place is not the name of one. */
  private static final Pattern DNS_NAME =
      Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");

  private static final Instant END_OF_TIME = Instant.parse("+10000-01-01T00:00:00Z");
  private static final int MAX_NAME = 253;
  private static final int MAX_SHOWN = 80;

  private final String cluster;
  private final String reporter;

  AlertParser(String cluster) {
    this.cluster = cluster;
    reporter = "//" + cluster + "/ingest";
  }

  /** Who reports these alerts: what they carry as {@code ce_source}. */
  String reporter() {
    return reporter;
  }

  /**
   * Understands one alert.
   *
   * @param traceparent the sender's trace context
   * @throws Rejection naming the field, its value and what was expected
   */
  Alert parse(byte[] raw, @Nullable String traceparent) throws Rejection {
    JsonNode document = read(raw);
    if (!(document instanceof ObjectNode object)) {
      throw new Rejection(
          Rejection.Cause.MALFORMED_JSON,
          Rejection.BODY,
          "an alert is " + shown(document) + ": expected a JSON object");
    }
    JsonCheck.check(object);
    return alert(new Fields(object), traceparent);
  }

  private Alert alert(Fields fields, @Nullable String traceparent) throws Rejection {
    ObjectNode outputFields = fields.object("output_fields");
    FalcoAlert.Falco falco =
        new FalcoAlert.Falco(
            fields.requiredText("rule"),
            priority(fields.requiredText("priority")),
            source(fields.optionalText("source")),
            fields.textOr("output", ""),
            time(fields.requiredText("time")),
            fields.optionalText("hostname"),
            fields.optionalText("uuid"),
            fields.texts("tags"));
    FalcoAlert.Name namespace = name(outputFields.get("k8s.ns.name"));
    FalcoAlert.Name pod = name(outputFields.get("k8s.pod.name"));
    FalcoAlert event =
        new FalcoAlert(
            falco, outputFields, new FalcoAlert.Place(cluster, namespace, pod), fields.unknown());
    byte[] json = EventCodec.encode(event);
    if (json.length > EventCodec.MAX_DOCUMENT_BYTES) {
      throw Rejection.invalid(
          "output_fields",
          "make an event of "
              + json.length
              + " bytes: expected at most "
              + EventCodec.MAX_DOCUMENT_BYTES);
    }
    String workload = namespace == null || pod == null ? null : namespace.name() + "/" + pod.name();
    String id = id(event);
    Headers headers = new RecordHeaders();
    CloudEvents.writeHeaders(
        new Envelope<>(
            id,
            reporter,
            workload == null ? null : "k8s://" + workload,
            falco.time(),
            traceparent,
            event),
        headers);
    String place = workload == null ? host(falco.hostname()) : workload;
    return new Alert(id, cluster + "/" + place, headers, json);
  }

  private String id(FalcoAlert event) {
    return new ContentHash()
        .add(cluster)
        .add(event.falco().source())
        .add(event.falco().hostname())
        .add(event.falco().time().toString())
        .add(event.falco().rule())
        .add(event.outputFields())
        .hex();
  }

  private static String host(@Nullable String hostname) {
    if (hostname == null) {
      return "";
    }
    return hostname.length() <= MAX_NAME ? hostname : hostname.substring(0, MAX_NAME);
  }

  private static JsonNode read(byte[] raw) throws Rejection {
    try {
      return EventCodec.readTree(raw);
    } catch (MalformedEventException e) {
      // Falco replaces what is not UTF-8; of a sensor that does not, a strange file name must not
      // cost the alert.
      byte[] replaced = new String(raw, UTF_8).getBytes(UTF_8);
      if (!Arrays.equals(raw, replaced)) {
        return read(replaced);
      }
      throw new Rejection(
          Rejection.Cause.MALFORMED_JSON, place(e.getCause()), "not JSON: " + e.getMessage());
    }
  }

  /** The field in which the parser stopped. */
  private static String place(@Nullable Throwable failure) {
    StringBuilder path = new StringBuilder();
    if (failure instanceof JsonProcessingException stopped
        && stopped.getProcessor() instanceof JsonParser parser) {
      for (JsonStreamContext context = parser.getParsingContext();
          context != null && !context.inRoot();
          context = context.getParent()) {
        String name = context.getCurrentName();
        if (context.inArray()) {
          path.insert(0, "[" + Math.max(0, context.getCurrentIndex()) + "]");
        } else if (name != null) {
          boolean dot = !path.isEmpty() && path.charAt(0) != '[';
          path.insert(0, (name.isEmpty() ? "''" : name) + (dot ? "." : ""));
        }
      }
    }
    return path.isEmpty() ? Rejection.BODY : path.toString();
  }

  private static String priority(String text) throws Rejection {
    return Priority.find(text)
        .orElseThrow(
            () ->
                Rejection.invalid(
                    "priority",
                    "is '"
                        + cut(text)
                        + "': expected one of "
                        + String.join(", ", Priority.labels())))
        .label();
  }

  private static String source(@Nullable String text) {
    return text == null || text.isBlank() || text.equals(FORWARDERS_DEFAULT_SOURCE)
        ? DEFAULT_SOURCE
        : text;
  }

  private static Instant time(String text) throws Rejection {
    Instant time;
    try {
      time = OffsetDateTime.parse(text, DateTimeFormatter.ISO_OFFSET_DATE_TIME).toInstant();
    } catch (DateTimeException e) {
      throw Rejection.invalid(
          "time",
          "is '" + cut(text) + "': expected RFC 3339 such as 2026-01-02T03:04:05.678901234Z");
    }
    // Kafka has no time before its epoch; a forwarder's zero time stands for none.
    if (time.isBefore(Instant.EPOCH) || time.compareTo(END_OF_TIME) >= 0) {
      throw Rejection.invalid("time", "is '" + cut(text) + "': expected a year from 1970 to 9999");
    }
    return time;
  }

  private static FalcoAlert.@Nullable Name name(@Nullable JsonNode value) {
    return value != null
            && value.isTextual()
            && value.textValue().length() <= MAX_NAME
            && DNS_NAME.matcher(value.textValue()).matches()
        ? new FalcoAlert.Name(value.textValue())
        : null;
  }

  private static String shown(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "an array";
      case STRING -> "'" + cut(value.textValue()) + "'";
      case NULL, MISSING -> "null";
      case BOOLEAN, NUMBER, BINARY, POJO -> cut(value.toString());
    };
  }

  private static String cut(String text) {
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
  }

  /** The top-level fields of an alert, under their names in lower case. */
  private static final class Fields {
    private final Map<String, JsonNode> known = new LinkedHashMap<>();
    private final Map<String, JsonNode> unknown = new TreeMap<>();

    Fields(ObjectNode object) throws Rejection {
      for (Map.Entry<String, JsonNode> field : object.properties()) {
        String name = field.getKey().toLowerCase(Locale.ROOT);
        if (!KNOWN.contains(name)) {
          unknown.put(field.getKey(), field.getValue());
        } else if (known.putIfAbsent(name, field.getValue()) != null) {
          throw Rejection.invalid(field.getKey(), "is there twice, in another case: expected once");
        }
      }
    }

    Map<String, JsonNode> unknown() {
      return unknown;
    }

    String requiredText(String name) throws Rejection {
      String text = optionalText(name);
      if (text == null) {
        throw Rejection.invalid(name, "is missing: expected a text");
      }
      if (text.isBlank()) {
        throw Rejection.invalid(name, "is blank: expected a text");
      }
      return text;
    }

    String textOr(String name, String fallback) throws Rejection {
      String text = optionalText(name);
      return text == null ? fallback : text;
    }

    @Nullable String optionalText(String name) throws Rejection {
      JsonNode value = known.get(name);
      if (value == null || value.isNull()) {
        return null;
      }
      if (!value.isTextual()) {
        throw Rejection.invalid(name, "is " + shown(value) + ": expected a text");
      }
      return value.textValue();
    }

    List<String> texts(String name) throws Rejection {
      JsonNode value = known.get(name);
      if (value == null || value.isNull()) {
        return List.of();
      }
      if (!value.isArray()) {
        throw Rejection.invalid(name, "is " + shown(value) + ": expected an array of texts");
      }
      List<String> texts = new ArrayList<>(value.size());
      for (JsonNode item : value) {
        if (!item.isTextual()) {
          throw Rejection.invalid(
              name + "[" + texts.size() + "]", "is " + shown(item) + ": expected a text");
        }
        texts.add(item.textValue());
      }
      return texts;
    }

    ObjectNode object(String name) throws Rejection {
      JsonNode value = known.get(name);
      if (value == null || value.isNull()) {
        return EventCodec.object();
      }
      if (!(value instanceof ObjectNode object)) {
        throw Rejection.invalid(name, "is " + shown(value) + ": expected an object");
      }
      return object;
    }
  }
}
