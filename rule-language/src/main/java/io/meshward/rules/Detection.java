package io.meshward.rules;

import java.util.List;
import java.util.Map;

/**
 * What to detect over several events. Immutable.
 *
 * @param name unique within its rule set, among rules too
 * @param outputs by source of the event that completes it: the detection's text, which may use that
 *     event's fields and {@value #COUNT_FIELD}
 * @param groupBy by source: the fields of {@link Correlation#groupBy}, in its order
 * @param tags sorted
 * @param generate whether the rules it refers to emit their matches too
 * @param version 12 hexadecimal digits of a hash over all that decides what it detects and says,
 *     the versions of its rules included
 */
public record Detection(
    String name,
    String description,
    Map<String, OutputFormat> outputs,
    Map<String, List<FieldReference>> groupBy,
    Priority priority,
    List<String> tags,
    Correlation correlation,
    boolean generate,
    String version) {

  /** The field that outputs may use for the number of events counted; an unsigned integer. */
  public static final String COUNT_FIELD = "correlation.count";

  public Detection {
    outputs = Map.copyOf(outputs);
    groupBy = Map.copyOf(groupBy);
    tags = tags.stream().sorted().distinct().toList();
  }
}
