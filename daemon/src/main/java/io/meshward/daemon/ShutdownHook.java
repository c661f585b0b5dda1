package io.meshward.daemon;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes a process when the JVM is asked to end. */
public final class ShutdownHook {
  private static final Logger log = LoggerFactory.getLogger(ShutdownHook.class);

  private ShutdownHook() {}

  /**
   * Closes a process on SIGTERM, SIGINT or the end of {@code main}; the JVM waits for it.
   *
   * @param process bounded in how long it takes to close, as {@link Resources} is
   */
  public static void install(String name, AutoCloseable process) {
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("shutdown-" + name)
                .unstarted(
                    () -> {
                      try {
                        process.close();
                      } catch (Exception e) {
                        log.atError()
                            .addKeyValue("process", name)
                            .setCause(e)
                            .log("Process did not close cleanly");
                      }
                    }));
  }
}
