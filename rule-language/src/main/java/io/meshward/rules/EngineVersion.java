package io.meshward.rules;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The version of Falco's engine whose language this is: what rules files may require. */
record EngineVersion(int major, int minor, int patch) {

  /** Falco 0.44. */
  static final EngineVersion CURRENT = new EngineVersion(0, 63, 0);

  private static final Pattern SEMANTIC =
      Pattern.compile("(\\d{1,9})\\.(\\d{1,9})\\.(\\d{1,9})(?:[-+].*)?");

  /** Reads {@code x.y.z}, or one number that is the minor version. */
  static Optional<EngineVersion> parse(String text) {
    if (text.matches("\\d{1,9}")) {
      return Optional.of(new EngineVersion(0, Integer.parseInt(text), 0));
    }
    return semantic(text);
  }

  static Optional<EngineVersion> semantic(String text) {
    Matcher matcher = SEMANTIC.matcher(text);
    return matcher.matches()
        ? Optional.of(
            new EngineVersion(
                Integer.parseInt(matcher.group(1)),
                Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3))))
        : Optional.empty();
  }

  /** Whether this engine reads files that require {@code required}. */
  boolean isCompatibleWith(EngineVersion required) {
    return major == required.major
        && (minor > required.minor || (minor == required.minor && patch >= required.patch));
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
