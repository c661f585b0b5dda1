package io.meshward.rules;

import java.util.List;

/**
 * What to detect over several events. Immutable.
 *
 * @param name unique within its rule set, among rules too
 * @param output the detection's text, which may use the fields of the event that completes it and
 *     {@value #COUNT_FIELD}
 * @param groupBy the fields of {@link Correlation#groupBy}, in its order; events of every rule of
 *     the correlation have them
 * @param tags sorted
 * @param generate whether the rules it refers to emit their matches too
 * @param version 12 hexadecimal digits of a hash over all that decides what it detects and says,
 *     the versions of its rules included
 */
public record Detection(
    String name,
    String description,
    Correlation correlation,
    List<FieldReference> groupBy,
    OutputFormat output,
    Priority priority,
    List<String> tags,
    boolean generate,
    String version) {

  /** The field that outputs may use for the number of events counted; an unsigned integer. */
  public static final String COUNT_FIELD = "correlation.count";

  public Detection {
    groupBy = List.copyOf(groupBy);
    tags = tags.stream().sorted().distinct().toList();
  }
}
