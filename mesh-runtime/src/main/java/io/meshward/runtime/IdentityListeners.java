package io.meshward.runtime;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Those who want to hear how the identity stands; one that fails keeps no other from hearing it.
 * They hear one state after another, the newest last, whichever threads tell: who comes while
 * another tells leaves it to that one, which looks again. Thread-safe.
 */
final class IdentityListeners {
  private static final Logger log = LoggerFactory.getLogger(IdentityListeners.class);

  private final List<IdentityListener> listeners;

  /** How often it was asked to tell since it last was done. */
  private final AtomicInteger asked = new AtomicInteger();

  IdentityListeners(List<IdentityListener> listeners) {
    this.listeners = List.copyOf(listeners);
  }

  /**
   * Tells the state, as it is when it is told.
   *
   * @param state read at least once after this is called
   */
  void tell(Supplier<RuntimeState> state) {
    if (asked.getAndIncrement() > 0) {
      return;
    }
    int done = 1;
    do {
      tell(state.get());
      done = asked.addAndGet(-done);
    } while (done > 0);
  }

  private void tell(RuntimeState state) {
    for (IdentityListener listener : listeners) {
      try {
        listener.identityChanged(state);
      } catch (RuntimeException | Error e) {
        // Whatever it is: who tells has to come to its end, or nobody is told any more.
        log.atError().setCause(e).log("a listener failed");
      }
    }
  }
}
