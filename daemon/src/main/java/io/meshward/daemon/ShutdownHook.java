package io.meshward.daemon;

/** Closes a process when the JVM is asked to end. */
public final class ShutdownHook {
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
                        System.err.println(name + " did not close cleanly: " + e);
                      }
                    }));
  }
}
