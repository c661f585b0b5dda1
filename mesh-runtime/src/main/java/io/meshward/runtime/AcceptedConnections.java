package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;

/**
 * First in the pipeline of a listening channel: its connections are tracked from before their first
 * byte on, and those that are too many go no further.
 */
final class AcceptedConnections extends ChannelInboundHandlerAdapter {
  private final ConnectionTracker tracker;

  private AcceptedConnections(ConnectionTracker tracker) {
    this.tracker = tracker;
  }

  /** Lets a channel that does not listen yet have its connections tracked. */
  static <C extends ServerChannel> C trackedBy(ConnectionTracker tracker, C listening) {
    listening.pipeline().addFirst(new AcceptedConnections(tracker));
    return listening;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object accepted) {
    Channel connection = (Channel) accepted;
    if (tracker.accepted(connection)) {
      context.fireChannelRead(connection);
    } else {
      connection.unsafe().closeForcibly();
    }
  }
}
