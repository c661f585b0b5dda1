package io.meshward.runtime;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** Keeps every event. */
final class RecordingSink implements EventSink {

  record Recorded(EventClass eventClass, String key, Envelope<? extends Event> envelope) {}

  private final List<Recorded> all = new CopyOnWriteArrayList<>();

  @Override
  public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
    all.add(new Recorded(eventClass, key, event));
    return true;
  }

  @Override
  public long dropped(EventClass eventClass) {
    return 0;
  }

  @Override
  public void close() {}

  List<Recorded> all() {
    return List.copyOf(all);
  }

  void clear() {
    all.clear();
  }

  <E extends Event> List<E> of(Class<E> kind) {
    return all.stream()
        .map(recorded -> recorded.envelope().data())
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }

  /** The first event of a kind that a condition holds for, awaited. */
  <E extends Event> E await(Class<E> kind, Predicate<E> condition) {
    Eventually.await(
        () -> "an event of " + kind.getSimpleName() + " among " + of(kind),
        Duration.ofMinutes(1),
        () -> of(kind).stream().anyMatch(condition));
    return of(kind).stream().filter(condition).findFirst().orElseThrow();
  }

  /** The record around an event. */
  Recorded record(Event event) {
    return all.stream()
        .filter(recorded -> recorded.envelope().data().equals(event))
        .findFirst()
        .orElseThrow();
  }
}
