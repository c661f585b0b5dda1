package io.meshward.rules;

/** A compiled piece of a condition. Thread-safe. */
@FunctionalInterface
interface EventTest {
  boolean test(FieldSource event);
}
