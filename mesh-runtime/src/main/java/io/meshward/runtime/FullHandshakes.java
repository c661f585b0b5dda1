package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * The engines whose handshake showed a certificate to a trust manager. One that finished without is
 * a resumed session. Thread-safe; forgets an engine with its connection.
 */
final class FullHandshakes {
  private final Map<SSLEngine, Boolean> engines = Collections.synchronizedMap(new WeakHashMap<>());

  void add(SSLEngine engine) {
    engines.put(engine, Boolean.TRUE);
  }

  /** Whether a finished handshake resumed a session; unknown where the JDK wraps its engines. */
  @Nullable Boolean resumed(SSLEngine engine) {
    return engine instanceof ReferenceCountedOpenSslEngine ? !engines.containsKey(engine) : null;
  }
}
