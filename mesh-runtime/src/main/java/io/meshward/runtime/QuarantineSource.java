package io.meshward.runtime;

import java.util.Collection;

/** Where holds come from. */
public interface QuarantineSource extends AutoCloseable {

  /** Hears of holds; calls come one after another and must not be blocked for long. */
  interface Listener {

    /**
     * The holds as a whole, replacing all that was said before. The first call says that they have
     * been read to their end.
     */
    void holds(Collection<Hold> holds);
  }

  /** Begins to watch; called once. */
  void watch(Listener listener);

  /** How long ago the source last knew that it was up to date, in milliseconds; -1 before. */
  long ageMs();

  /** Ends the watch. Idempotent. */
  @Override
  void close();
}
