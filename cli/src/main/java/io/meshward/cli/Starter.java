package io.meshward.cli;

import io.meshward.daemon.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Starts parts, each of them whole and known to the resources, or not at all: an interrupt takes
 * effect between two parts, never in the middle of one, which might leave half of it behind. Not
 * safe for use by several threads.
 */
final class Starter {
  private final Resources resources;

  /**
   * @param resources takes what was started, and closes it at the end
   */
  Starter(Resources resources) {
    this.resources = resources;
  }

  /**
   * Starts a part, on a thread of its own that nobody interrupts.
   *
   * @throws InterruptedException if this thread was interrupted; the part is with the resources
   */
  <T extends AutoCloseable> T start(String name, Callable<T> part) throws InterruptedException {
    FutureTask<T> start = new FutureTask<>(() -> resources.add(name, part.call()));
    Thread thread = Thread.ofPlatform().name("start-" + name).start(start);
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted || Thread.interrupted()) {
      throw new InterruptedException("while " + name + " was started");
    }
    return result(start);
  }

  private static <T> T result(FutureTask<T> start) throws InterruptedException {
    try {
      return start.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case IOException io -> throw new UncheckedIOException(io);
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  /** Has something closed at the end that holds nothing yet. */
  <T extends AutoCloseable> T add(String name, T resource) {
    return resources.add(name, resource);
  }
}
