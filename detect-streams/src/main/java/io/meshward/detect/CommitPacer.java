package io.meshward.detect;

import java.time.Duration;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ProcessingContext;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a commit once something was written, since nobody reads it before. Between two commits
 * there is a pause: the floor, or as long as the last commit took if that is longer. So a single
 * event is committed at once, and under load a commit covers what comes in the meantime: threads
 * that commit after each record would do little else. A commit covers all tasks of a thread, so the
 * pace is the thread's. One instance serves all tasks.
 */
final class CommitPacer {
  private static final long MILLI = 1_000_000;

  private final long floorNanos;
  private final ThreadLocal<Pace> paces = ThreadLocal.withInitial(Pace::new);

  /** When the last commit of a thread ended, and until when the next one waits. */
  private static final class Pace {
    private boolean committed;
    private long end;
    private long pause;
  }

  CommitPacer(Duration floor) {
    this.floorNanos = floor.toNanos();
  }

  /** This thread committed. The times are the monotonic clock's, in nanoseconds. */
  void committed(long start, long end) {
    Pace pace = paces.get();
    pace.committed = true;
    pace.end = end;
    pace.pause = Math.max(floorNanos, end - start);
  }

  /** How long this thread waits with its next commit; not positive if it need not. */
  long waitNanos(long now) {
    Pace pace = paces.get();
    return pace.committed ? pace.end + pace.pause - now : 0;
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
      long wait = waitNanos(System.nanoTime());
      if (wait <= 0) {
        context.commit();
      } else {
        later =
            context.schedule(
                Duration.ofMillis(Math.ceilDiv(wait, MILLI)),
                PunctuationType.WALL_CLOCK_TIME,
                this::afterWaiting);
      }
    }

    private void afterWaiting(long now) {
      Cancellable waiting = later;
      if (waiting != null) {
        waiting.cancel();
        later = null;
        context.commit();
      }
    }
  }
}
