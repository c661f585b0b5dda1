package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final Duration FIRST = Duration.ofMillis(200);
  private static final Duration LONGEST = Duration.ofSeconds(30);

  @Test
  void doublesUpToTheLongestAndIsCutByChanceByUpToAHalf() {
    for (long seed = 0; seed < 200; seed++) {
      Backoff backoff = new Backoff(FIRST, LONGEST, new Random(seed));
      Duration most = FIRST;
      for (int i = 0; i < 12; i++) {
        assertThat(backoff.next())
            .as("wait %s of seed %s", i, seed)
            .isBetween(most.dividedBy(2), most);
        Duration doubled = most.multipliedBy(2);
        most = doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
      }
    }
  }

  @Test
  void spreadsThoseThatLostTheSameAgentAtOnce() {
    assertThat(
            Stream.iterate(0L, seed -> seed + 1)
                .limit(100)
                .map(seed -> new Backoff(FIRST, LONGEST, new Random(seed)).next().toMillis() / 10)
                .distinct())
        .as("of the ten spans of 10 ms between 100 and 200 ms")
        .hasSizeGreaterThanOrEqualTo(9);
  }

  @Test
  void beginsAgainWithTheFirstWait() {
    Backoff backoff = new Backoff(FIRST, LONGEST, new Random(1));
    for (int i = 0; i < 12; i++) {
      assertThat(backoff.next()).isLessThanOrEqualTo(LONGEST);
    }

    backoff.reset();

    assertThat(backoff.next()).isBetween(FIRST.dividedBy(2), FIRST);
  }
}
