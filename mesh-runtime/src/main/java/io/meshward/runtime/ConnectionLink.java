package io.meshward.runtime;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * What carries one connection: a channel of Netty, or a socket or an engine that a service owns.
 * Thread-safe.
 */
interface ConnectionLink {

  /** The address at the other side; none on a Unix socket. */
  @Nullable String ip();

  /** The port at the other side; none on a Unix socket. */
  @Nullable Integer port();

  /** Ends it now, without a word to the peer. */
  void cut();

  /** Lets what is in flight end and nothing new begin, where the protocol on it can say so. */
  void drain();

  /** The connection's own thread, where it has one; else whoever asks it to run something. */
  Executor thread();

  /** Does something when it is gone, at once if it is. */
  void onClose(Runnable task);

  /** Does something later, unless it is gone or this is cancelled. */
  Future<?> after(Duration wait, Runnable task);
}
