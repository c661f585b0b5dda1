package io.meshward.runtime;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Those who want to hear how the identity stands; one that fails keeps no other from hearing it.
 */
record IdentityListeners(List<IdentityListener> listeners) {
  private static final Logger log = LoggerFactory.getLogger(IdentityListeners.class);

  IdentityListeners {
    listeners = List.copyOf(listeners);
  }

  void tell(RuntimeState state) {
    for (IdentityListener listener : listeners) {
      try {
        listener.identityChanged(state);
      } catch (RuntimeException e) {
        log.atError().setCause(e).log("a listener failed");
      }
    }
  }
}
