package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A service's own sink, whose faults stay its own: events are offered by threads that serve calls
 * and apply the quarantine, and none of them may end by it. An event that the sink throws at counts
 * as dropped. Thread-safe.
 */
final class GuardedEventSink implements EventSink {
  private static final Logger log = LoggerFactory.getLogger(GuardedEventSink.class);

  private final EventSink sink;
  private final Map<EventClass, AtomicLong> failed = new EnumMap<>(EventClass.class);

  /** The kinds of faults that have been logged: each is, once. */
  private final Set<Class<?>> told = ConcurrentHashMap.newKeySet();

  GuardedEventSink(EventSink sink) {
    this.sink = sink;
    for (EventClass eventClass : EventClass.values()) {
      failed.put(eventClass, new AtomicLong());
    }
  }

  @Override
  public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
    try {
      return sink.offer(eventClass, key, event);
    } catch (RuntimeException e) {
      count(eventClass).incrementAndGet();
      if (told.add(e.getClass())) {
        log.atError()
            .addKeyValue("class", eventClass)
            .setCause(e)
            .log("the sink of events failed: the event counts as dropped");
      }
      return false;
    }
  }

  @Override
  public long dropped(EventClass eventClass) {
    return sink.dropped(eventClass) + count(eventClass).get();
  }

  private AtomicLong count(EventClass eventClass) {
    return requireNonNull(failed.get(eventClass));
  }

  @Override
  public void close() {
    sink.close();
  }
}
