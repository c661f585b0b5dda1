package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ResourcesTest {
  private final BlockingQueue<String> closed = new LinkedBlockingQueue<>();

  private AutoCloseable part(String name) {
    return () -> closed.add(name);
  }

  /** A part whose moment was too short for it may end later. */
  private String nextClosed() throws InterruptedException {
    return closed.poll(30, TimeUnit.SECONDS);
  }

  @Test
  void closesInReverseOrderOnce() throws Exception {
    Resources resources = new Resources(Duration.ofMinutes(1));
    resources.add("first", part("first"));
    resources.add(
        "failing",
        () -> {
          throw new IllegalStateException("on purpose");
        });
    resources.add("last", part("last"));
    resources.close();
    resources.close();
    resources.await();
    assertThat(closed).containsExactly("last", "first");
  }

  @Test
  void goesOnWhenAPartDoesNotEndInTime() throws Exception {
    Resources resources = new Resources(Duration.ofMillis(50));
    CountDownLatch never = new CountDownLatch(1);
    resources.add("first", part("first"));
    resources.add("stuck", never::await);
    resources.close();
    assertThat(nextClosed()).isEqualTo("first");
  }

  @Test
  void closesWhatComesTooLate() throws Exception {
    Resources resources = new Resources(Duration.ofSeconds(1));
    resources.close();
    assertThatThrownBy(() -> resources.add("late", part("late")))
        .hasMessageContaining("late comes too late");
    assertThat(nextClosed()).isEqualTo("late");
  }
}
