package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DeadLetterQuotaTest {
  private static final long LETTER = 64 * 1024;

  private final DeadLetterQuota quota = new DeadLetterQuota();

  private int admitted(String sender, int letters, long now) {
    int admitted = 0;
    for (int i = 0; i < letters; i++) {
      admitted += quota.admits(sender, LETTER, now) ? 1 : 0;
    }
    return admitted;
  }

  @Test
  void boundsEachSenderAndFillsUpAgain() {
    assertThat(admitted("a", 100, 0)).isEqualTo(16);
    assertThat(admitted("b", 1, 0)).isEqualTo(1);
    assertThat(admitted("a", 100, TimeUnit.SECONDS.toNanos(30))).isEqualTo(8);
    assertThat(admitted("a", 100, TimeUnit.HOURS.toNanos(2))).isEqualTo(16);
  }

  @Test
  void boundsAllSendersTogether() {
    int admitted = 0;
    for (int sender = 0; sender < 2000; sender++) {
      admitted += admitted("sender-" + sender, 1, 0);
    }
    assertThat(admitted).isEqualTo(128);
  }

  @Test
  void countsWhatItDropsOnce() {
    assertThat(admitted("a", 20, 0)).isEqualTo(16);
    assertThat(quota.takeDropped())
        .isEqualTo(Map.of("a", new DeadLetterQuota.Dropped(4, 4 * LETTER)));
    assertThat(quota.takeDropped()).isEmpty();
  }
}
