package io.meshward.responder;

import io.meshward.daemon.Durations;
import io.meshward.rules.CompiledCondition;
import io.meshward.rules.ConditionFiles;
import io.meshward.rules.ItemNode;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Reads the parts of an item: mappings, texts, numbers, durations, choices and conditions. Whatever
 * is wrong is reported where it stands. Not thread-safe.
 */
final class ItemReader {
  private final ConditionFiles source;
  private String item;
  private boolean failed;

  ItemReader(ConditionFiles source, String item) {
    this.source = source;
    this.item = item;
  }

  /** What the item is called in further reports. */
  void named(String name) {
    item = name;
  }

  /** Whether anything was wrong. */
  boolean failed() {
    return failed;
  }

  /** The entries of a mapping that has no others than those that are known. */
  Map<String, ItemNode> mapping(ItemNode value, Set<String> known, String what) {
    Map<String, ItemNode> entries = value.entries().orElse(null);
    if (entries == null) {
      wrong(value, what + " is " + value.kind() + ", expected a mapping");
      return Map.of();
    }
    for (String key : entries.keySet()) {
      if (!known.contains(key)) {
        wrong(
            value.key(key),
            what
                + " has no key '"
                + key
                + "': expected "
                + (known.isEmpty() ? "none" : "one of " + String.join(", ", new TreeSet<>(known))));
      }
    }
    return entries;
  }

  /** Says so if a key is missing. */
  void require(Map<String, ItemNode> entries, String key, ItemNode place) {
    if (!entries.containsKey(key)) {
      wrong(place, "the key '" + key + "' is missing");
    }
  }

  /** A text that is not blank. */
  Optional<String> text(Map<String, ItemNode> entries, String key) {
    ItemNode value = entries.get(key);
    if (value == null) {
      return Optional.empty();
    }
    Optional<String> text = value.text().filter(words -> !words.isBlank());
    if (text.isEmpty()) {
      wrong(value, "'" + key + "' is " + value.kind() + ", expected a text");
    }
    return text;
  }

  private <T> Optional<T> parsed(
      Map<String, ItemNode> entries, String key, Function<String, T> parser) {
    ItemNode value = entries.get(key);
    if (value == null) {
      return Optional.empty();
    }
    return text(entries, key)
        .flatMap(
            words -> {
              try {
                return Optional.of(parser.apply(words));
              } catch (IllegalArgumentException e) {
                wrong(value, "'" + key + "' is '" + words + "', expected " + e.getMessage());
                return Optional.empty();
              }
            });
  }

  /** A duration such as {@code 10m}. */
  Optional<Duration> duration(Map<String, ItemNode> entries, String key) {
    return parsed(entries, key, Durations::parse);
  }

  /** A whole number within bounds. */
  Optional<Integer> number(Map<String, ItemNode> entries, String key, int least, int most) {
    String expected = "a whole number from " + least + " to " + most;
    return parsed(
        entries,
        key,
        words -> {
          if (!words.matches("\\d{1,6}")) {
            throw new IllegalArgumentException(expected);
          }
          int number = Integer.parseInt(words);
          if (number < least || number > most) {
            throw new IllegalArgumentException(expected);
          }
          return number;
        });
  }

  /** Whether it is {@code true}; {@code false} where the key is absent. */
  boolean flag(Map<String, ItemNode> entries, String key) {
    return word(entries, key, "false", "true").equals("true");
  }

  /** One of a few words; the first one where the key is absent. */
  String word(Map<String, ItemNode> entries, String key, String... words) {
    return parsed(
            entries,
            key,
            found -> {
              if (!Arrays.asList(words).contains(found)) {
                throw new IllegalArgumentException(
                    Arrays.stream(words)
                        .filter(word -> !word.isEmpty())
                        .collect(Collectors.joining(" or ")));
              }
              return found;
            })
        .orElse(words[0]);
  }

  /** One of the values of an enum, in lower case. */
  <E extends Enum<E>> Optional<E> choice(Map<String, ItemNode> entries, String key, Class<E> type) {
    return parsed(
        entries,
        key,
        words ->
            Arrays.stream(type.getEnumConstants())
                .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(words))
                .findFirst()
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            "one of "
                                + Arrays.stream(type.getEnumConstants())
                                    .map(each -> each.name().toLowerCase(Locale.ROOT))
                                    .collect(Collectors.joining(", ")))));
  }

  /** A condition in the rule language. */
  Optional<CompiledCondition> condition(Map<String, ItemNode> entries, String key) {
    ItemNode value = entries.get(key);
    return condition(value == null ? List.of() : List.of(value), List.of());
  }

  /** A condition of several parts, with exceptions; none if there is no part. */
  Optional<CompiledCondition> condition(List<ItemNode> parts, List<ItemNode> exceptions) {
    if (parts.isEmpty()) {
      return Optional.empty();
    }
    Optional<CompiledCondition> condition = source.condition(parts, exceptions, item);
    failed |= condition.isEmpty();
    return condition;
  }

  /** Reports what is wrong somewhere. */
  void wrong(ItemNode place, String message) {
    failed = true;
    source.error(place, item, message);
  }
}
