package io.meshward.benchmarks;

import io.grpc.ManagedChannel;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Rotates the SVIDs of both sides again and again while calls go on at a fixed rate: most on a
 * connection that is kept, and beside them one after the other on a connection of its own, which
 * shakes hands with whatever SVIDs are current. A call that is not answered within {@value
 * EchoCalls#PATIENCE_SECONDS} seconds has failed.
 */
final class RotationLoad {
  private static final int CALLS_PER_SECOND = 1_000;
  private static final int ROTATIONS_PER_SECOND = 10;

  private RotationLoad() {}

  /**
   * What became of it.
   *
   * @param rotations how often both sides took a new SVID over
   * @param connections how many connections were opened, for a call each
   * @param failed how many calls failed, on either kind of connection
   * @param micros how long calls on the kept connection took from the instant they were due
   */
  record Outcome(
      int rotations, double seconds, int calls, int connections, int failed, Spread micros) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%d rotations of both sides in %.1f s; %d calls, %.0f/s, and %d connections for a call"
              + " each: %d failed%n  latency of the calls in µs: %s",
          rotations,
          seconds,
          calls,
          calls / seconds,
          connections,
          failed,
          micros);
    }
  }

  static Outcome run(LoadedMesh.Pair pair, int rotations) throws Exception {
    Duration time = Duration.ofMillis(1_000L * rotations / ROTATIONS_PER_SECOND);
    int count = (int) (time.toMillis() * CALLS_PER_SECOND / 1_000);
    double[] micros = new double[count];
    AtomicInteger rotated = new AtomicInteger();
    AtomicInteger connections = new AtomicInteger();
    AtomicInteger failed = new AtomicInteger();
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<@Nullable Exception> broken = new AtomicReference<>();
    Thread rotating =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    for (int i = 0; i < rotations; i++) {
                      pair.rotate();
                      rotated.incrementAndGet();
                      Thread.sleep(1_000 / ROTATIONS_PER_SECOND / 2);
                    }
                  } catch (Exception e) {
                    broken.set(e);
                  }
                });
    Thread dialling =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!stop.get()) {
                    ManagedChannel fresh = pair.dial();
                    try {
                      EchoCalls.once(fresh);
                      connections.incrementAndGet();
                    } catch (RuntimeException e) {
                      failed.incrementAndGet();
                    } finally {
                      fresh.shutdownNow();
                    }
                  }
                });
    long start = System.nanoTime();
    int failedCalls =
        Pace.keep(
            CALLS_PER_SECOND,
            count,
            (index, due) -> {
              EchoCalls.once(pair.channel());
              micros[index] = Spread.millis(due, Instant.now()) * 1e3;
            });
    double seconds = (System.nanoTime() - start) / 1e9;
    rotating.join();
    stop.set(true);
    dialling.join();
    if (broken.get() != null) {
      throw new IllegalStateException("the rotations broke off", broken.get());
    }
    return new Outcome(
        rotated.get(),
        seconds,
        count,
        connections.get(),
        failed.get() + failedCalls,
        Spread.of(micros));
  }
}
