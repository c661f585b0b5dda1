package io.meshward.daemon;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whether a process lives and is ready: ready while every named check holds, alive until something
 * says that only a restart helps. Thread-safe.
 */
public final class Health {
  private final Map<String, Check> checks = new LinkedHashMap<>();
  private volatile Optional<String> fatal = Optional.empty();

  /** One condition of readiness. Thread-safe. */
  public static final class Check {
    private volatile Optional<String> problem = Optional.of("starting");

    private Check() {}

    /** The condition holds. */
    public void pass() {
      problem = Optional.empty();
    }

    /** The condition does not hold, and why. */
    public void fail(String reason) {
      problem = Optional.of(reason);
    }

    /** Why the condition does not hold; empty if it does. */
    public Optional<String> problem() {
      return problem;
    }
  }

  /**
   * Adds a condition, which does not hold yet.
   *
   * @param name what {@code /readyz} calls it
   * @throws IllegalArgumentException if there is one of that name
   */
  public Check check(String name) {
    synchronized (checks) {
      Check check = new Check();
      if (checks.putIfAbsent(name, check) != null) {
        throw new IllegalArgumentException("the readiness check '" + name + "' exists already");
      }
      return check;
    }
  }

  /** Every condition that does not hold, with why. */
  public Map<String, String> problems() {
    Map<String, String> problems = new LinkedHashMap<>();
    synchronized (checks) {
      checks.forEach(
          (name, check) -> check.problem().ifPresent(reason -> problems.put(name, reason)));
    }
    return problems;
  }

  /** The names of all conditions, in the order in which they were added. */
  public List<String> names() {
    synchronized (checks) {
      return List.copyOf(checks.keySet());
    }
  }

  /** Whether every condition holds. */
  public boolean isReady() {
    return problems().isEmpty();
  }

  /** Says that only a restart helps; {@code /healthz} answers 503 from now on. */
  public void fatal(String reason) {
    fatal = Optional.of(reason);
  }

  /** Why only a restart helps; empty while the process lives. */
  public Optional<String> fatal() {
    return fatal;
  }
}
