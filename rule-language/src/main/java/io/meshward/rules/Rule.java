package io.meshward.rules;

import java.util.List;

/**
 * A rule over single events, ready to run. Immutable.
 *
 * @param name unique within its rule set
 * @param source the event source whose fields it uses
 * @param conditionText the condition as written, appended parts included, macros by name
 * @param condition what is tested: macros, lists and exceptions are resolved
 * @param output the detection's text
 * @param tags sorted
 * @param enabled whether it runs
 * @param version 12 hexadecimal digits of a hash over all that decides what it detects and says
 */
public record Rule(
    String name,
    String description,
    String source,
    String conditionText,
    CompiledCondition condition,
    OutputFormat output,
    Priority priority,
    List<String> tags,
    boolean enabled,
    String version) {
  public Rule {
    tags = tags.stream().sorted().distinct().toList();
  }
}
