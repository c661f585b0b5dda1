package io.meshward.testkit;

import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The one thread that serves all Workload APIs of this process, while there are any. */
final class SharedEventLoop {

  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);

  private static @Nullable EventLoopGroup group;
  private static int users;

  private SharedEventLoop() {}

  static synchronized EventLoopGroup acquire() {
    EventLoopGroup running = group;
    if (running == null) {
      if (!Epoll.isAvailable()) {
        throw new IllegalStateException(
            "the test Workload API needs epoll, that is Linux on x86_64 or aarch64, and is on "
                + System.getProperty("os.name")
                + " "
                + System.getProperty("os.arch"),
            Epoll.unavailabilityCause());
      }
      running =
          new MultiThreadIoEventLoopGroup(
              1, new DefaultThreadFactory("test-workload-api", true), EpollIoHandler.newFactory());
      group = running;
    }
    users++;
    return running;
  }

  /** To be called from outside the event loop. */
  static synchronized void release() {
    users--;
    EventLoopGroup unused = group;
    if (users == 0 && unused != null) {
      group = null;
      unused
          .shutdownGracefully(0, STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)
          .awaitUninterruptibly(STOP_TIMEOUT.toMillis());
    }
  }
}
