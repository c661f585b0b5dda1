package io.meshward.responder;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** The system's clock, which a test can stop and set forward. Thread-safe. */
final class TestClock implements InstantSource {
  private Duration ahead = Duration.ZERO;
  private @Nullable Instant stopped;

  @Override
  public synchronized Instant instant() {
    return stopped == null ? Instant.now().plus(ahead) : stopped;
  }

  /** Lets no time pass until it is told to go on. */
  synchronized void stop() {
    stopped = instant();
  }

  /** Shows what it would show if it had never stopped. */
  synchronized void goOn() {
    stopped = null;
  }

  /** Lets a time pass at once. */
  synchronized void advance(Duration time) {
    ahead = ahead.plus(time);
  }
}
