package io.meshward.detect;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/**
 * Counts the events of one group in exact sliding windows of event time: Sigma's {@code
 * event_count}, judged fact by fact in the order of their partition and never retracted.
 *
 * <p>A window is {@code (end - timespan, end]}, in milliseconds, and ends at an event that waits.
 * When an event arrives it is put in its place by event time, and the windows that hold it are
 * looked at from the earliest end: the first whose count fulfils the condition is full. It fires
 * once; its events are spent and never count again, so that the rule is armed anew at once and
 * waits for as many new events. An event counts once by its id.
 *
 * <p>An event may leave without being spent only when the watermark has passed every window that
 * could hold it and, for facts that arrive late, when it has also stood here for that long and a
 * grace more. What happens depends on the facts and their timestamps alone, never on a clock.
 * Immutable.
 */
final class EventCount {
  /** How many events wait in a group at most; beyond it the one with the earliest time leaves. */
  static final int MAX_WAITING = 1024;

  /** How many ids of spent events a group remembers. */
  static final int MAX_SPENT = 64;

  private final long timespan;
  private final long grace;
  private final LongPredicate condition;

  /**
   * @param timespan length of the window in milliseconds
   * @param grace how much longer than the timespan an event stays for facts that arrive late, in
   *     milliseconds
   * @param condition what a window's count must fulfil
   */
  EventCount(long timespan, long grace, LongPredicate condition) {
    this.timespan = timespan;
    this.grace = grace;
    this.condition = condition;
  }

  /** What an event did to its group. */
  sealed interface Judgement {
    /** It was counted before: nothing changes. */
    record Duplicate() implements Judgement {}

    /**
     * It waits.
     *
     * @param dropped how many events had to leave because too many wait
     */
    record Waiting(GroupState state, int dropped) implements Judgement {}

    /**
     * It completed a window.
     *
     * @param window the events of the window, by event time; all are spent
     */
    record Full(GroupState state, List<CountedEvent> window) implements Judgement {}
  }

  /** How far time has come where the group lives. */
  record Progress(long watermark, long now) {}

  Judgement judge(GroupState state, CountedEvent event, Progress progress) {
    if (isKnown(state, event.id())) {
      return new Judgement.Duplicate();
    }
    List<CountedEvent> waiting = stillWaiting(state, progress);
    int position = position(waiting, event.time());
    waiting.add(position, event);
    long newest = Math.max(state.newest(), event.time());
    long lastArrival = Math.max(state.lastArrival(), event.arrived());
    for (int end = position; end < waiting.size(); end++) {
      long endTime = waiting.get(end).time();
      if (endTime - timespan >= event.time()) {
        break;
      }
      if (end + 1 < waiting.size() && waiting.get(end + 1).time() == endTime) {
        continue;
      }
      int start = position(waiting, endTime - timespan);
      if (condition.test(end + 1 - start)) {
        List<CountedEvent> window = List.copyOf(waiting.subList(start, end + 1));
        waiting.subList(start, end + 1).clear();
        return new Judgement.Full(
            new GroupState(waiting, spent(state, window), newest, lastArrival), window);
      }
    }
    int surplus = Math.max(0, waiting.size() - MAX_WAITING);
    waiting.subList(0, surplus).clear();
    return new Judgement.Waiting(
        new GroupState(waiting, state.spent(), newest, lastArrival), surplus);
  }

  /** Whether nothing that can still arrive, but very late, could meet what the group remembers. */
  boolean isOver(long newest, long lastArrival, Progress progress) {
    return newest + timespan <= progress.watermark()
        && lastArrival + timespan + grace <= progress.now();
  }

  private static boolean isKnown(GroupState state, String id) {
    return state.spent().contains(id)
        || state.waiting().stream().anyMatch(known -> known.id().equals(id));
  }

  private List<CountedEvent> stillWaiting(GroupState state, Progress progress) {
    List<CountedEvent> waiting = new ArrayList<>(state.waiting());
    waiting.removeIf(event -> isOver(event.time(), event.arrived(), progress));
    return waiting;
  }

  /** The index of the first event later than {@code time}. */
  private static int position(List<CountedEvent> waiting, long time) {
    int low = 0;
    int high = waiting.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (waiting.get(middle).time() > time) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  private static List<String> spent(GroupState state, List<CountedEvent> window) {
    List<String> spent = new ArrayList<>(state.spent());
    window.forEach(event -> spent.add(event.id()));
    return spent.subList(Math.max(0, spent.size() - MAX_SPENT), spent.size());
  }
}
