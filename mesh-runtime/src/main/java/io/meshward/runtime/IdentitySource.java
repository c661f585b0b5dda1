package io.meshward.runtime;

import java.util.function.Consumer;

/** Where a workload's own SVID and bundles come from. */
interface IdentitySource extends AutoCloseable {

  /**
   * Begins to watch; called once. Updates arrive one after another, on a thread of the source,
   * which must not be blocked.
   */
  void watch(Consumer<IdentityUpdate> listener);

  /** Asks again now what the state is: for a watch that may have gone silent. */
  void refresh();

  /** How often the watch has been opened so far. */
  long opened();

  /** What somebody should check when no SVID comes. */
  String whatToCheck();

  /** Ends the watch and frees its threads and sockets. Idempotent. */
  @Override
  void close();
}
