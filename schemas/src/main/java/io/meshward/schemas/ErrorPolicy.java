package io.meshward.schemas;

/** What a failed step means for the steps after it. */
public enum ErrorPolicy {
  /** They are skipped. */
  STOP,
  /** They go on. */
  CONTINUE
}
