package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.detect.EventCount.Judgement;
import io.meshward.detect.EventCount.Progress;
import io.meshward.schemas.EvidenceRef;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

class EventCountTest {
  private static final long MINUTE = 60_000;
  private static final long GRACE = 600_000;
  private static final Progress EARLY = new Progress(Long.MIN_VALUE, 0);

  private static final EventCount THREE = new EventCount(MINUTE, GRACE, count -> count >= 3);

  @Test
  void firesOnTheThirdEventOnceThenIsArmedAnew() {
    assertThat(fired(THREE, 0, 1, 2, 3, 4)).containsExactly(List.of(0L, 1L, 2L));
    assertThat(fired(THREE, 0, 1, 2, 3, 4, 5))
        .containsExactly(List.of(0L, 1L, 2L), List.of(3L, 4L, 5L));
  }

  @Test
  void aWindowIsOpenAtItsStartAndClosedAtItsEnd() {
    assertThat(fired(THREE, 0, 1, 60_000)).isEmpty();
    assertThat(fired(THREE, 0, 1, 59_999)).containsExactly(List.of(0L, 1L, 59_999L));
  }

  @Test
  void slidesRatherThanTumbles() {
    assertThat(fired(THREE, 0, 50_000, 70_000, 100_000))
        .containsExactly(List.of(50_000L, 70_000L, 100_000L));
  }

  @Test
  void anEventThatArrivesOutOfOrderCompletesTheWindowItBelongsTo() {
    assertThat(fired(THREE, 10_000, 50_000, 5_000))
        .containsExactly(List.of(5_000L, 10_000L, 50_000L));
    assertThat(fired(THREE, 100_000, 120_000, 30_000)).isEmpty();
  }

  @Test
  void aLateEventDoesNotPushOthersOut() {
    assertThat(fired(THREE, 100_000, 120_000, 1, 130_000))
        .containsExactly(List.of(100_000L, 120_000L, 130_000L));
  }

  @Test
  void countsAnIdOnceEvenAfterItWasSpent() {
    GroupState state = GroupState.EMPTY;
    for (int round = 0; round < 2; round++) {
      for (int n = 0; n < 3; n++) {
        Judgement judgement = THREE.judge(state, event("e" + n, n), EARLY);
        if (round == 1) {
          assertThat(judgement).isInstanceOf(Judgement.Duplicate.class);
        }
        state = after(state, judgement);
      }
    }
  }

  @Test
  void keepsAnEventUntilTheWatermarkHasPassedAndItStoodLongEnough() {
    GroupState state = GroupState.EMPTY;
    state = after(state, THREE.judge(state, event("a", 0), EARLY));
    Progress passed = new Progress(MINUTE, MINUTE + GRACE - 1);
    state = after(state, THREE.judge(state, event("b", 1, MINUTE), passed));
    assertThat(state.waiting()).hasSize(2);

    Progress over = new Progress(MINUTE, MINUTE + GRACE);
    state = after(state, THREE.judge(state, event("c", 2, MINUTE), over));
    assertThat(state.waiting()).extracting(CountedEvent::id).containsExactly("b", "c");
  }

  @Test
  void aLateBurstStillCounts() {
    Progress late = new Progress(100 * MINUTE, 100 * MINUTE);
    GroupState state = GroupState.EMPTY;
    state = after(state, THREE.judge(state, event("a", 0, 100 * MINUTE), late));
    state = after(state, THREE.judge(state, event("b", 1, 100 * MINUTE), late));
    assertThat(THREE.judge(state, event("c", 2, 100 * MINUTE), late))
        .isInstanceOf(Judgement.Full.class);
  }

  @Test
  void theEarliestLeavesWhenTooManyWait() {
    EventCount never = new EventCount(MINUTE, GRACE, count -> false);
    GroupState state = GroupState.EMPTY;
    for (int n = 0; n < EventCount.MAX_WAITING; n++) {
      state = after(state, never.judge(state, event("e" + n, n), EARLY));
    }
    Judgement judgement = never.judge(state, event("one more", 5_000), EARLY);
    assertThat(judgement).isInstanceOf(Judgement.Waiting.class);
    assertThat(((Judgement.Waiting) judgement).dropped()).isEqualTo(1);
    assertThat(after(state, judgement).waiting()).hasSize(EventCount.MAX_WAITING);
    assertThat(after(state, judgement).waiting().getFirst().id()).isEqualTo("e1");
  }

  @Test
  void everyConditionIsJudgedAsTheOracleJudgesIt() {
    List<LongPredicate> conditions =
        List.of(
            count -> count >= 3,
            count -> count > 3,
            count -> count == 4,
            count -> count < 2,
            count -> count <= 1,
            count -> count != 1,
            count -> count >= 1);
    for (long seed = 1; seed <= 300; seed++) {
      for (LongPredicate condition : conditions) {
        agreesWithOracle(seed, condition);
      }
    }
  }

  /**
   * Several groups, events out of order within a few windows, one in four a duplicate, and the
   * state written and read between any two facts, as over a restart.
   */
  private static void agreesWithOracle(long seed, LongPredicate condition) {
    Random random = new Random(seed);
    EventCount engine = new EventCount(1_000, GRACE, condition);
    Map<Integer, GroupState> states = new HashMap<>();
    Map<Integer, Oracle> oracles = new HashMap<>();
    List<String> ids = new ArrayList<>();
    long base = 0;
    for (int n = 0; n < 60; n++) {
      base += random.nextInt(400);
      int group = random.nextInt(3);
      boolean repeats = !ids.isEmpty() && random.nextInt(4) == 0;
      String id = repeats ? ids.get(random.nextInt(ids.size())) : "e" + n;
      ids.add(id);
      long time = Math.max(0, base - random.nextInt(2_500));

      GroupState state = states.getOrDefault(group, GroupState.EMPTY);
      if (random.nextBoolean()) {
        state = GroupState.decode(state.encode());
      }
      Judgement judgement = engine.judge(state, event(id, time), EARLY);
      states.put(group, after(state, judgement));
      List<String> expected =
          oracles.computeIfAbsent(group, g -> new Oracle(1_000, condition)).arrives(id, time);
      assertThat(window(judgement)).as("seed %d, fact %d", seed, n).isEqualTo(expected);
    }
  }

  /** The definition, spelled out over the full list of events. */
  private static final class Oracle {
    private record Seen(String id, long time) {}

    private final long timespan;
    private final LongPredicate condition;
    private final Set<String> ids = new HashSet<>();
    private final List<Seen> unspent = new ArrayList<>();

    Oracle(long timespan, LongPredicate condition) {
      this.timespan = timespan;
      this.condition = condition;
    }

    List<String> arrives(String id, long time) {
      if (!ids.add(id)) {
        return List.of();
      }
      unspent.add(new Seen(id, time));
      for (long end : unspent.stream().mapToLong(Seen::time).sorted().toArray()) {
        List<Seen> window =
            unspent.stream()
                .filter(seen -> seen.time() > end - timespan && seen.time() <= end)
                .sorted(Comparator.comparingLong(Seen::time))
                .toList();
        boolean holdsArrival = window.stream().anyMatch(seen -> seen.id().equals(id));
        if (holdsArrival && condition.test(window.size())) {
          unspent.removeAll(window);
          return window.stream().map(Seen::id).toList();
        }
      }
      return List.of();
    }
  }

  private static List<List<Long>> fired(EventCount engine, long... times) {
    List<List<Long>> windows = new ArrayList<>();
    GroupState state = GroupState.EMPTY;
    for (int n = 0; n < times.length; n++) {
      Judgement judgement = engine.judge(state, event("e" + n, times[n]), EARLY);
      if (judgement instanceof Judgement.Full full) {
        windows.add(full.window().stream().map(CountedEvent::time).toList());
      }
      state = after(state, judgement);
    }
    return windows;
  }

  private static GroupState after(GroupState before, Judgement judgement) {
    return switch (judgement) {
      case Judgement.Duplicate() -> before;
      case Judgement.Waiting(GroupState state, int dropped) -> state;
      case Judgement.Full(GroupState state, List<CountedEvent> window) -> state;
    };
  }

  private static List<String> window(Judgement judgement) {
    return judgement instanceof Judgement.Full full
        ? full.window().stream().map(CountedEvent::id).toList()
        : List.of();
  }

  private static CountedEvent event(String id, long time) {
    return event(id, time, 0);
  }

  private static CountedEvent event(String id, long time, long arrived) {
    return new CountedEvent(
        time, arrived, new EvidenceRef("meshward.events.falco", 0, 0, id, null, null));
  }
}
