package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.rules.Detection;
import io.meshward.rules.FieldReference;
import io.meshward.rules.FieldValue;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The group of a detection that an event falls in: the values of its group-by fields. A field that
 * the event lacks reads as an empty text, so that such events form a group too and none is left
 * out.
 */
record Group(String detection, List<String> fields, List<String> values) {
  Group {
    fields = List.copyOf(fields);
    values = List.copyOf(values);
    if (fields.size() != values.size()) {
      throw new IllegalArgumentException(
          "group of '" + detection + "': " + values.size() + " values, expected " + fields.size());
    }
  }

  /** The group of an event that matched one of the detection's rules. */
  static Group of(Detection detection, EventView event) {
    List<String> values = new ArrayList<>();
    for (FieldReference field : detection.groupBy()) {
      Object value = event.value(field);
      values.add(value == null ? "" : text(value));
    }
    return new Group(detection.name(), detection.correlation().groupBy(), values);
  }

  /** A value as a group and a fact show it. */
  static String text(Object value) {
    String text = FieldValue.text(value);
    return text == null ? new String(EventCodec.encodeValue(value), UTF_8) : wellFormed(text);
  }

  /** A text that can be written in UTF-8: half a surrogate pair becomes a question mark. */
  static String wellFormed(String text) {
    return new String(text.getBytes(UTF_8), UTF_8);
  }

  /** The key of the group's facts and of its state: JSON, as {@code ["rule","field=value"]}. */
  String key() {
    List<String> parts = new ArrayList<>();
    parts.add(detection);
    for (int at = 0; at < fields.size(); at++) {
      parts.add(fields.get(at) + "=" + values.get(at));
    }
    return new String(EventCodec.encodeValue(parts), UTF_8);
  }

  /**
   * The detection of a {@link #key()}.
   *
   * @throws MalformedEventException if it is none
   */
  static String detectionOf(String key) {
    return EventCodec.readTree(key.getBytes(UTF_8)).path(0).asText();
  }

  /** The values by field. */
  Map<String, String> byField() {
    Map<String, String> byField = new LinkedHashMap<>();
    for (int at = 0; at < fields.size(); at++) {
      byField.put(fields.get(at), values.get(at));
    }
    return byField;
  }
}
