package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Collects what is wrong with an object, in the order in which it is found, and knows the checks
 * that many kinds share.
 */
final class FieldErrors {

  private final List<Cause> causes = new ArrayList<>();

  /**
   * Ends the checks of an object.
   *
   * @throws ApiFailure 422 with every cause, if there is any
   */
  void report(ResourceType type, ApiObject object) {
    if (!causes.isEmpty()) {
      String group = type.storage().equals("events") ? "" : type.group();
      throw ApiFailure.invalid(group, type.kind(), object.name(), causes);
    }
  }

  int count() {
    return causes.size();
  }

  void invalid(String field, String value, String why) {
    causes.add(Cause.invalid(field, value, why));
  }

  void invalidText(String field, String value, String why) {
    invalid(field, quote(value), why);
  }

  void required(String field, String why) {
    causes.add(Cause.required(field, why));
  }

  void forbidden(String field, String why) {
    causes.add(Cause.forbidden(field, why));
  }

  void tooLong(String field, String why) {
    causes.add(Cause.tooLong(field, why));
  }

  void unsupported(String field, String value, List<String> supported) {
    causes.add(Cause.unsupported(field, quote(value), supported));
  }

  void duplicate(String field, String value) {
    causes.add(new Cause("FieldValueDuplicate", "Duplicate value: " + quote(value), field));
  }

  /** A whole number that may not be negative. */
  void nonNegative(JsonNode spec, String field, String path) {
    long value = spec.path(field).asLong();
    if (value < 0) {
      invalid(path, Long.toString(value), "must be greater than or equal to 0");
    }
  }

  void portNumber(long number, String path) {
    if (number < 1 || number > 65_535) {
      invalid(path, Long.toString(number), "must be between 1 and 65535, inclusive");
    }
  }

  /** The keys and values of labels. */
  void labels(JsonNode labels, String path) {
    Map<String, String> sorted = new TreeMap<>(ApiObject.strings(labels));
    sorted.forEach(
        (key, value) -> {
          Names.labelKeyFault(key).ifPresent(why -> invalidText(path, key, why));
          Names.labelValueFault(value).ifPresent(why -> invalidText(path, value, why));
        });
  }

  void labelSelector(JsonNode selector, String path) {
    labels(selector.path("matchLabels"), path + ".matchLabels");
    int index = 0;
    for (JsonNode expression : selector.path("matchExpressions")) {
      String at = path + ".matchExpressions[" + index++ + "]";
      String operator = expression.path("operator").asText();
      boolean empty = expression.path("values").isEmpty();
      switch (operator) {
        case "In", "NotIn" -> {
          if (empty) {
            required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
          }
        }
        case "Exists", "DoesNotExist" -> {
          if (!empty) {
            forbidden(
                at + ".values",
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
          }
        }
        default -> invalidText(at + ".operator", operator, "not a valid selector operator");
      }
      String key = expression.path("key").asText();
      Names.labelKeyFault(key).ifPresent(why -> invalidText(at + ".key", key, why));
    }
  }

  static String quote(String text) {
    return '"' + text + '"';
  }

  /** A map as Go prints it, with its keys in order. */
  static String sorted(JsonNode map) {
    ObjectNode ordered = JsonNodeFactory.instance.objectNode();
    new TreeMap<>(ApiObject.strings(map)).forEach(ordered::put);
    return ordered.toString();
  }
}
