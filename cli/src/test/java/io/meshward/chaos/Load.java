package io.meshward.chaos;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sensors at work: stories, each told by a sensor of its own, over the noise of alerts that no rule
 * matches.
 */
final class Load implements AutoCloseable {
  private static final Duration PACE = Duration.ofMillis(20);
  private static final Duration LOOK = Duration.ofMillis(50);

  private final Installation installation;
  private final Sensor sensor;
  private final Watch watch;
  private final AtomicLong numbers;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> told = new ArrayList<>();
  private volatile boolean quiet;

  Load(Installation installation, Sensor sensor, Watch watch, AtomicLong numbers) {
    this.installation = installation;
    this.sensor = sensor;
    this.watch = watch;
    this.numbers = numbers;
  }

  /** Makes noise in a pod until {@link #finish()}. */
  void noise(String pod) {
    told.add(
        threads.submit(
            () -> {
              while (!quiet) {
                sensor.post(Alert.ordinary(numbers.incrementAndGet(), Instant.now(), pod));
                Await.pass(PACE);
              }
            }));
  }

  /** Tells a story; a person releases what it leads to, if that is part of it. */
  void tell(Story story) {
    told.add(
        threads.submit(
            () -> {
              story.alerts().forEach(sensor::post);
              if (story.release()) {
                release(story);
              }
            }));
  }

  /** Has patience from the moment on that all is told: before, who contains it may be dead. */
  private void release(Story story) {
    while (!quiet && !isContained(story)) {
      Await.pass(LOOK);
    }
    Await.until(
        story.workload() + " is contained",
        () -> isContained(story),
        () -> watch.of(story.workload()).toString());
    for (Containment containment : watch.of(story.workload())) {
      installation.containments.release(
          containment.containment().id(), "looked at", installation.signer);
    }
  }

  private boolean isContained(Story story) {
    return watch.of(story.workload()).stream()
        .anyMatch(c -> c.containment().state() == ContainmentState.CONTAINED);
  }

  /** Ends the noise, and waits until all is told. */
  void finish() throws InterruptedException {
    quiet = true;
    for (Future<?> future : told) {
      try {
        future.get();
      } catch (ExecutionException e) {
        throw new AssertionError(e.getCause() == null ? e : e.getCause());
      }
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
