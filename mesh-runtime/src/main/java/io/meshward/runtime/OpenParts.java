package io.meshward.runtime;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a runtime has open. All of it is closed, the last first, whatever one part throws, by a
 * runtime that is closed and by a start that fails. Thread-safe.
 */
final class OpenParts implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OpenParts.class);

  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private volatile boolean closed;

  /**
   * Adds a part, to be closed before all that are there; one that is there already moves.
   *
   * @return the part
   * @throws IllegalStateException if this is closed; the part is closed then
   */
  @SuppressWarnings("ReferenceEquality")
  <T extends AutoCloseable> T add(T part) {
    synchronized (parts) {
      if (!closed) {
        parts.removeIf(each -> each == part);
        parts.push(part);
        return part;
      }
    }
    close(part);
    throw new IllegalStateException("the runtime is closed");
  }

  /** Adds a part if there is one. */
  void addIfAny(@Nullable AutoCloseable part) {
    if (part != null) {
      var unused = add(part);
    }
  }

  /** Whether the end has begun. */
  boolean isClosed() {
    return closed;
  }

  /** Idempotent. */
  @Override
  public void close() {
    Deque<AutoCloseable> last;
    synchronized (parts) {
      closed = true;
      last = new ArrayDeque<>(parts);
      parts.clear();
    }
    last.forEach(OpenParts::close);
  }

  private static void close(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception | Error e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      log.atError()
          .addKeyValue("part", part.getClass().getName())
          .setCause(e)
          .log("a part of the runtime could not be closed; the others are");
    }
  }
}
