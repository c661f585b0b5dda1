package io.meshward.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MixTest {
  @Test
  void everyMatchIsSentOnceAndInOrder() {
    Mix mix = new Mix(500, 25, 3);

    int[] matches =
        IntStream.range(0, mix.events()).map(mix::match).filter(match -> match >= 0).toArray();

    assertThat(matches).containsExactly(IntStream.range(0, mix.matches()).toArray());
    assertThat(mix.matches()).isEqualTo(75);
  }

  @Test
  void everyEventMayMatch() {
    Mix mix = new Mix(25, 25, 2);

    assertThat(IntStream.range(0, mix.events()).map(mix::match))
        .containsExactly(IntStream.range(0, 50).boxed().toArray(Integer[]::new));
  }

  @Test
  void aRateThatCannotBeSpreadEvenlyIsRefused() {
    assertThatThrownBy(() -> new Mix(30, 25, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("30 events/s");
  }
}
