package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ResourcesTest {
  private final List<String> closed = new CopyOnWriteArrayList<>();

  private AutoCloseable part(String name) {
    return () -> closed.add(name);
  }

  @Test
  void closesInReverseOrderOnce() throws Exception {
    Resources resources = new Resources(Duration.ofSeconds(5));
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
  void goesOnWhenAPartDoesNotEndInTime() {
    Resources resources = new Resources(Duration.ofMillis(50));
    CountDownLatch never = new CountDownLatch(1);
    resources.add("first", part("first"));
    resources.add("stuck", never::await);
    resources.close();
    assertThat(closed).containsExactly("first");
  }

  @Test
  void closesWhatComesTooLate() {
    Resources resources = new Resources(Duration.ofSeconds(1));
    resources.close();
    assertThatThrownBy(() -> resources.add("late", part("late")))
        .hasMessageContaining("late comes too late");
    assertThat(closed).containsExactly("late");
  }
}
