package io.meshward.runtime;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;

/**
 * Where a workload's events go. Thread-safe.
 *
 * <p>An implementation never blocks its caller: calls are served on that thread. What it cannot
 * take it drops and counts.
 */
public interface EventSink extends AutoCloseable {

  /**
   * Takes an event or drops it, at once.
   *
   * @param key the record's key by the topic catalogue
   * @return whether it was taken
   */
  boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event);

  /** How many events of a class have been dropped so far. */
  long dropped(EventClass eventClass);

  /** Sends what waits, for as long as a deadline of the implementation allows, then ends. */
  @Override
  void close();
}
