package io.meshward.rules;

import org.jspecify.annotations.Nullable;

/**
 * An event, asked field by field; it may be parsed lazily.
 *
 * <p>Conditions ask for the same field as often as they mention it, so an implementation that
 * parses should remember what it found.
 */
@FunctionalInterface
public interface FieldSource {

  /**
   * The value of a field: {@link String}, {@link Long} (or another {@link Number}), {@link Double},
   * {@link Boolean}, {@code byte[]}, or a {@link java.util.List} of these. Null if the event has no
   * such field, or a value that is none of these.
   */
  @Nullable Object value(FieldReference field);
}
