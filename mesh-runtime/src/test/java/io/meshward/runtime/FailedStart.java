package io.meshward.runtime;

import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Starts that come to nothing. */
final class FailedStart {
  /** The first is enough unless the machine has much else to do. */
  private static final List<Duration> DEADLINES =
      List.of(Duration.ofMillis(400), Duration.ofSeconds(5), Duration.ofSeconds(30));

  private FailedStart() {}

  /**
   * Why a runtime does not start; absent if it does. What is wrong with it has to be found before
   * the deadline of the start: where it was not, there is another try with a later one.
   *
   * @param words what is said of it once it is found
   */
  static @Nullable Throwable of(Supplier<MeshRuntimeBuilder> builder, String words) {
    Throwable failure = null;
    for (Duration deadline : DEADLINES) {
      failure = catchThrowable(() -> builder.get().startDeadline(deadline).start().close());
      if (failure == null || String.valueOf(failure.getMessage()).contains(words)) {
        break;
      }
    }
    return failure;
  }
}
