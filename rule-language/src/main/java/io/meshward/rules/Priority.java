package io.meshward.rules;

import java.util.Locale;
import java.util.Optional;

/** How severe a rule's match is, the most severe first (Falco's priorities). */
public enum Priority {
  EMERGENCY("Emergency"),
  ALERT("Alert"),
  CRITICAL("Critical"),
  ERROR("Error"),
  WARNING("Warning"),
  NOTICE("Notice"),
  INFORMATIONAL("Informational"),
  DEBUG("Debug");

  private final String longName;

  Priority(String longName) {
    this.longName = longName;
  }

  /** As Falco writes it: {@code Informational}. */
  public String longName() {
    return longName;
  }

  /** Whether this is as severe as {@code minimum} or more. */
  public boolean isAtLeast(Priority minimum) {
    return compareTo(minimum) <= 0;
  }

  /** Reads a priority in any case; {@code Info} is {@link #INFORMATIONAL}. */
  public static Optional<Priority> named(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    if (wanted.equals("info")) {
      return Optional.of(INFORMATIONAL);
    }
    for (Priority priority : values()) {
      if (priority.longName.toLowerCase(Locale.ROOT).equals(wanted)) {
        return Optional.of(priority);
      }
    }
    return Optional.empty();
  }
}
