package io.meshward.detect;

import java.time.Duration;

/** Looks every few seconds whether the rules files changed. */
final class RuleReloading implements AutoCloseable {
  private static final Duration INTERVAL = Duration.ofSeconds(2);

  private final Thread thread;

  private RuleReloading(ActiveRules rules) {
    thread = Thread.ofVirtual().name("rule-reloading").start(() -> run(rules));
  }

  static RuleReloading start(ActiveRules rules) {
    return new RuleReloading(rules);
  }

  private static void run(ActiveRules rules) {
    try {
      while (true) {
        Thread.sleep(INTERVAL);
        rules.reload();
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
