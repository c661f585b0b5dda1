package io.meshward.rules;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How values of fields read as text. */
public final class FieldValue {

  /** The range in which every whole double is exact. */
  private static final double EXACT = 1L << 53;

  private FieldValue() {}

  /**
   * The text that a single value of a {@link FieldType#DYNAMIC} or text field compares as, or null
   * for a list. A whole number has no fraction: 1.0 is {@code 1}.
   */
  public static @Nullable String text(Object value) {
    return switch (value) {
      case String text -> text;
      case Double number when number == Math.rint(number) && Math.abs(number) < EXACT ->
          Long.toString(number.longValue());
      case Number number -> number.toString();
      case Boolean truth -> truth.toString();
      case byte[] bytes -> new String(bytes, StandardCharsets.UTF_8);
      default -> null;
    };
  }

  /** As an output shows it: lists as {@code (a,b)}, doubles with one decimal. */
  static String render(Object value) {
    return switch (value) {
      case List<?> list ->
          list.stream().map(FieldValue::render).collect(Collectors.joining(",", "(", ")"));
      case Double number when Double.isFinite(number) ->
          new BigDecimal(number).setScale(1, RoundingMode.HALF_EVEN).toPlainString();
      case byte[] bytes -> new String(bytes, StandardCharsets.UTF_8);
      default -> value.toString();
    };
  }
}
