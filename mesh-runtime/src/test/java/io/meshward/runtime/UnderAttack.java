package io.meshward.runtime;

/** Something of ours that serves or calls, and is attacked. */
interface UnderAttack extends AutoCloseable {

  /** Lets a good peer in, and says so in the event. */
  void lets(Shown good);

  /**
   * Refuses an attack, and says in the event why; but what a client does not even send is no event:
   * its caller is told.
   */
  void refuses(Wrong.Attack attack, String reason);

  @Override
  void close();
}
