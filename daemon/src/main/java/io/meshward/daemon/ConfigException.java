package io.meshward.daemon;

import java.util.List;

/**
 * A configuration that cannot be used. Carries every problem that was found; each names the file,
 * the line, the YAML path, the offending value and what was expected.
 */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String[] problems;

  public ConfigException(List<String> problems) {
    super(String.join(System.lineSeparator(), problems));
    this.problems = problems.toArray(String[]::new);
  }

  /** All problems, in the order of the file. */
  public List<String> problems() {
    return List.of(problems);
  }
}
