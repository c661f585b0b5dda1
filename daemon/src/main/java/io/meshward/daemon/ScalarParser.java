package io.meshward.daemon;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Reads single values. A failure is an {@link IllegalArgumentException} whose message says what was
 * expected.
 */
final class ScalarParser {
  private static final Map<Class<?>, String> KNOWN =
      Map.ofEntries(
          Map.entry(String.class, "a text"),
          Map.entry(int.class, "a whole number"),
          Map.entry(Integer.class, "a whole number"),
          Map.entry(long.class, "a whole number"),
          Map.entry(Long.class, "a whole number"),
          Map.entry(double.class, "a number"),
          Map.entry(Double.class, "a number"),
          Map.entry(boolean.class, "true or false"),
          Map.entry(Boolean.class, "true or false"),
          Map.entry(Duration.class, Durations.EXPECTED),
          Map.entry(Path.class, "the path of a file or folder"),
          Map.entry(URI.class, "a URI"));

  private final Path folder;

  ScalarParser(Path folder) {
    this.folder = folder;
  }

  static boolean reads(Class<?> type) {
    return KNOWN.containsKey(type) || type.isEnum() || hasParse(type);
  }

  static String expected(Class<?> type) {
    if (type.isEnum()) {
      return "one of "
          + Arrays.stream(type.getEnumConstants())
              .map(ScalarParser::label)
              .collect(Collectors.joining(", "));
    }
    return KNOWN.getOrDefault(type, "a text");
  }

  Object parse(String text, Class<?> type) {
    if (type == String.class) {
      return text;
    }
    if (type == int.class || type == Integer.class) {
      return Math.toIntExact(whole(text, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }
    if (type == long.class || type == Long.class) {
      return whole(text, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    if (type == double.class || type == Double.class) {
      double number = Double.parseDouble(text);
      if (!Double.isFinite(number)) {
        throw new IllegalArgumentException("a finite number");
      }
      return number;
    }
    if (type == boolean.class || type == Boolean.class) {
      return switch (text) {
        case "true" -> true;
        case "false" -> false;
        default -> throw new IllegalArgumentException(expected(type));
      };
    }
    if (type == Duration.class) {
      return Durations.parse(text);
    }
    if (type == Path.class) {
      if (text.isBlank()) {
        throw new IllegalArgumentException(expected(type));
      }
      return folder.resolve(text);
    }
    if (type == URI.class) {
      return URI.create(text);
    }
    return type.isEnum() ? constant(text, type) : parsed(text, type);
  }

  /** How an enum's constant is written. */
  static String label(Object constant) {
    return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static long whole(String text, long min, long max) {
    try {
      long number = Long.parseLong(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below, in the same words.
    }
    throw new IllegalArgumentException("a whole number from " + min + " to " + max);
  }

  private static Object constant(String text, Class<?> type) {
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> label(constant).equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(expected(type)));
  }

  private static boolean hasParse(Class<?> type) {
    try {
      Method parse = type.getDeclaredMethod("parse", String.class);
      return Modifier.isStatic(parse.getModifiers()) && parse.getReturnType() == type;
    } catch (NoSuchMethodException e) {
      return false;
    }
  }

  private static Object parsed(String text, Class<?> type) {
    try {
      Method parse = type.getDeclaredMethod("parse", String.class);
      parse.setAccessible(true);
      return parse.invoke(null, text);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException refused) {
        throw new IllegalArgumentException(refused.getMessage(), refused);
      }
      throw new IllegalStateException(type + ".parse failed on '" + text + "'", e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + ".parse cannot be called", e);
    }
  }
}
