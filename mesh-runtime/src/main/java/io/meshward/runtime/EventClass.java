package io.meshward.runtime;

/**
 * Classes of events that are bounded apart from each other, so that a flood of one cannot push out
 * another. In the order in which they are sent when there is a choice.
 */
public enum EventClass {
  /** What was done about a hold. */
  ENFORCEMENT(1_024),
  /** Refused calls. */
  DENIAL(8_192),
  /** What happened to the workload's own identity, policy and events. */
  LIFECYCLE(1_024),
  /** TLS handshakes, whatever their outcome. */
  HANDSHAKE(8_192),
  /** Served calls. */
  ALLOW(16_384);

  private final int capacity;

  EventClass(int capacity) {
    this.capacity = capacity;
  }

  /** How many events of this class wait at most. */
  public int capacity() {
    return capacity;
  }
}
