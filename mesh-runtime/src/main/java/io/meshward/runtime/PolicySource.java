package io.meshward.runtime;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where the policy of this workload's servers comes from, when not from a file. Thread-safe. */
public interface PolicySource extends AutoCloseable {

  /**
   * The policy as text, in any form that a policy file may have.
   *
   * @param enforced what decides
   * @param shadow what is evaluated beside it, if anything
   */
  record Documents(String enforced, @Nullable String shadow) {}

  /** Hears of the policy on a thread of the source. */
  interface Listener {
    /** The policy as it is now; nothing if there is none, and then every call is refused. */
    void policy(Optional<Documents> documents);

    /** There is something that is no policy; the last good one stays. */
    void unreadable(String problem);
  }

  /** Begins to read. Called once. */
  void watch(Listener listener);

  /**
   * Waits until the source has told the listener for the first time.
   *
   * @return whether it has
   */
  boolean awaitRead(Duration deadline) throws InterruptedException;

  /** Milliseconds since the policy was last known to be up to date; -1 before the first time. */
  long ageMs();

  @Override
  void close();
}
