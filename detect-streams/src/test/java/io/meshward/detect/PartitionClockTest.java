package io.meshward.detect;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PartitionClockTest {
  private final PartitionClock clock = new PartitionClock();

  @Test
  void thereIsNoWatermarkUntilEveryTaskCanHaveSpoken() {
    hear(1_000, "a", 900);
    hear(1_000 + PartitionClock.SETTLING_MS - 1, "a", 5_000);
    assertThat(clock.watermark()).isEqualTo(Long.MIN_VALUE);
    hear(1_000 + PartitionClock.SETTLING_MS, "b", 700);
    assertThat(clock.watermark()).isEqualTo(700);
  }

  @Test
  void theSlowestTaskHoldsTheWatermark() {
    hear(0, "a", 100);
    hear(6_000, "b", 50);
    hear(7_000, "a", 6_900);
    assertThat(clock.watermark()).isEqualTo(50);
  }

  @Test
  void aSilentTaskIsForgotten() {
    hear(0, "a", 100);
    hear(6_000, "b", 5_900);
    hear(PartitionClock.SILENCE_MS + 1, "b", 30_000);
    assertThat(clock.watermark()).isEqualTo(30_000);
  }

  @Test
  void theWatermarkNeverGoesBack() {
    hear(0, "a", 100);
    hear(6_000, "a", 6_000);
    hear(7_000, "a", 10);
    hear(8_000, "newcomer", 20);
    assertThat(clock.watermark()).isEqualTo(6_000);
    assertThat(clock.now()).isEqualTo(8_000);
  }

  private void hear(long writtenAt, String task, long time) {
    clock.advance(writtenAt);
    clock.promise(task, time);
  }
}
