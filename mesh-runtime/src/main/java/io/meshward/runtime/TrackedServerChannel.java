package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import java.util.List;

/** A listening socket whose connections are tracked from their first byte on. */
final class TrackedServerChannel extends NioServerSocketChannel {
  private final ConnectionTracker tracker;

  TrackedServerChannel(ConnectionTracker tracker) {
    this.tracker = tracker;
  }

  @Override
  protected int doReadMessages(List<Object> accepted) throws Exception {
    int before = accepted.size();
    super.doReadMessages(accepted);
    for (int i = accepted.size() - 1; i >= before; i--) {
      if (accepted.get(i) instanceof Channel connection && !tracker.accepted(connection)) {
        accepted.remove(i);
        connection.unsafe().closeForcibly();
      }
    }
    return accepted.size() - before;
  }
}
