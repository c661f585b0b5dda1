package io.meshward.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpreadTest {
  @Test
  void percentilesAreTheNearestRanksWhateverTheOrder() {
    double[] downwards = IntStream.rangeClosed(1, 100).mapToDouble(i -> 101 - i).toArray();

    assertThat(Spread.of(downwards)).isEqualTo(new Spread(100, 50, 99, 100));
  }

  @Test
  void ofFewSamplesTheHighestPercentileIsTheLargest() {
    assertThat(Spread.of(List.of(3.0, 1.0, 2.0))).isEqualTo(new Spread(3, 2, 3, 3));
    assertThat(Spread.of(7)).isEqualTo(new Spread(1, 7, 7, 7));
  }

  @Test
  void nothingHasNoSpread() {
    assertThatThrownBy(() -> Spread.of(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no samples");
  }

  @Test
  void aRatioIsThatOfTheMedians() {
    assertThat(Spread.of(2, 30, 900).ratioTo(Spread.of(1, 10, 11))).isEqualTo(3);
  }

  @Test
  void millisecondsKeepTheirFraction() {
    Instant from = Instant.parse("2026-01-01T00:00:00.000100Z");

    assertThat(Spread.millis(from, from.plusNanos(1_250_000))).isEqualTo(1.25);
    assertThat(Spread.millis(from, from.minusNanos(500_000))).isEqualTo(-0.5);
  }
}
