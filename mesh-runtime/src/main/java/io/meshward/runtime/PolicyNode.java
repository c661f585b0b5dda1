package io.meshward.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A value in a policy's document that knows its place, so that every complaint names it. An empty
 * list and a blank text are errors: each could widen what its author meant.
 *
 * @param at the path to it, {@code policy.allow_rules[0].name}
 */
record PolicyNode(String at, JsonNode json) {

  /**
   * This object's fields are these or fewer.
   *
   * @throws InvalidPolicyException if it is no object or has another field
   */
  PolicyNode only(Set<String> known) throws InvalidPolicyException {
    for (String field : fields().keySet()) {
      if (!known.contains(field)) {
        throw new InvalidPolicyException(
            at + "." + field + " is unknown: expected one of " + known.stream().sorted().toList());
      }
    }
    return this;
  }

  /** The fields of this object. */
  Map<String, PolicyNode> fields() throws InvalidPolicyException {
    if (!json.isObject()) {
      throw invalid("an object");
    }
    Map<String, PolicyNode> fields = new LinkedHashMap<>();
    json.properties()
        .forEach(
            field ->
                fields.put(
                    field.getKey(), new PolicyNode(at + "." + field.getKey(), field.getValue())));
    return fields;
  }

  boolean has(String name) {
    return json.has(name);
  }

  /** A field that may be left out. */
  @Nullable PolicyNode find(String name) {
    JsonNode value = json.get(name);
    return value == null ? null : new PolicyNode(at + "." + name, value);
  }

  /** A field that has to be there; {@code what} says what it would be. */
  PolicyNode get(String name, String what) throws InvalidPolicyException {
    PolicyNode found = find(name);
    if (found == null) {
      throw new InvalidPolicyException(at + "." + name + " is missing: expected " + what);
    }
    return found;
  }

  /** This list's items. */
  List<PolicyNode> items() throws InvalidPolicyException {
    if (!json.isArray() || json.isEmpty()) {
      throw invalid("a list with at least one item; leave it out otherwise");
    }
    List<PolicyNode> items = new ArrayList<>();
    for (JsonNode item : json) {
      items.add(new PolicyNode(at + "[" + items.size() + "]", item));
    }
    return items;
  }

  String text() throws InvalidPolicyException {
    if (!json.isTextual() || json.textValue().isBlank()) {
      throw invalid("a text");
    }
    return json.textValue();
  }

  List<String> texts() throws InvalidPolicyException {
    List<String> texts = new ArrayList<>();
    for (PolicyNode item : items()) {
      texts.add(item.text());
    }
    return texts;
  }

  double number() throws InvalidPolicyException {
    if (!json.isNumber()) {
      throw invalid("a number");
    }
    return json.doubleValue();
  }

  /** One of some words. */
  <E extends Enum<E>> E word(Class<E> words) throws InvalidPolicyException {
    String text = text();
    List<String> known = new ArrayList<>();
    for (E word : words.getEnumConstants()) {
      String name = word.name().toLowerCase(Locale.ROOT);
      if (name.equals(text)) {
        return word;
      }
      known.add(name);
    }
    throw invalid("one of " + known);
  }

  IdentityPatterns identities() throws InvalidPolicyException {
    try {
      return IdentityPatterns.parse(texts());
    } catch (IllegalArgumentException e) {
      throw new InvalidPolicyException(at + ": " + e.getMessage(), e);
    }
  }

  List<TextPattern> patterns() throws InvalidPolicyException {
    List<TextPattern> patterns = new ArrayList<>();
    for (PolicyNode item : items()) {
      try {
        patterns.add(TextPattern.parse(item.text()));
      } catch (IllegalArgumentException e) {
        throw new InvalidPolicyException(item.at() + " is " + e.getMessage(), e);
      }
    }
    return List.copyOf(patterns);
  }

  InvalidPolicyException invalid(String expected) {
    return new InvalidPolicyException(at + " is " + json + ": expected " + expected);
  }
}
