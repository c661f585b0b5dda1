package io.meshward.runtime;

import javax.net.ssl.SSLEngine;

/** Watches engines of a client that this runtime does not own. Thread-safe. */
@FunctionalInterface
interface DialledEngines {

  /**
   * The engine to use in an engine's place.
   *
   * @throws IllegalStateException if this workload has too many connections
   */
  SSLEngine watched(SSLEngine dialled);
}
