package io.meshward.benchmarks;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** In a flight recording: what was measured when, so that samples can be told apart. */
@Name("io.meshward.benchmarks.Phase")
@Label("Phase")
@Category("Meshward")
@StackTrace(false)
final class Phase extends Event implements AutoCloseable {
  @Label("What")
  private final String what;

  private Phase(String what) {
    this.what = what;
  }

  /** A phase that lasts until it is closed. */
  static Phase begin(String what) {
    Phase phase = new Phase(what);
    phase.begin();
    return phase;
  }

  String what() {
    return what;
  }

  @Override
  public void close() {
    commit();
  }
}
