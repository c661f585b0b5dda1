package io.meshward.detect;

import java.time.Duration;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ProcessingContext;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a commit once something was written, since nobody reads it before; but not more often
 * than the floor allows. A commit covers all tasks of a thread, so the pace is the thread's. One
 * instance serves all tasks.
 */
final class CommitPacer {
  private final long floorMs;
  private final ThreadLocal<long[]> lastRequest = ThreadLocal.withInitial(() -> new long[1]);

  CommitPacer(Duration floor) {
    this.floorMs = floor.toMillis();
  }

  /** The pacer as one task uses it. */
  Task of(ProcessingContext context) {
    return new Task(context);
  }

  /** One task's way to ask. Used by the task's thread. */
  final class Task {
    private final ProcessingContext context;
    private @Nullable Cancellable later;

    private Task(ProcessingContext context) {
      this.context = context;
    }

    /** Something was written. */
    void written() {
      if (later != null) {
        return;
      }
      long now = context.currentSystemTimeMs();
      long wait = lastRequest.get()[0] + floorMs - now;
      if (wait <= 0 || wait > floorMs) {
        request(now);
      } else {
        later =
            context.schedule(
                Duration.ofMillis(wait), PunctuationType.WALL_CLOCK_TIME, this::afterWaiting);
      }
    }

    private void afterWaiting(long now) {
      Cancellable waiting = later;
      if (waiting != null) {
        waiting.cancel();
        later = null;
        request(now);
      }
    }

    private void request(long now) {
      lastRequest.get()[0] = now;
      context.commit();
    }
  }
}
