package io.meshward.runtime;

/**
 * Hears how this workload's own identity stands: each time a new SVID or new bundles have taken
 * effect, and when time alone changes the state, within about a second.
 */
@FunctionalInterface
public interface IdentityListener {

  /**
   * The state now. Called on a thread of the runtime, one call after another: it must return at
   * once and may not close the runtime. What it throws is logged.
   */
  void identityChanged(RuntimeState state);
}
