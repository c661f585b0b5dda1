package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import java.util.function.Predicate;

/**
 * First in the pipeline of a listening channel: its connections are tracked from before their first
 * byte on, and those that are too many go no further.
 */
final class AcceptedConnections extends ChannelInboundHandlerAdapter {
  private final Predicate<Channel> tracked;

  private AcceptedConnections(Predicate<Channel> tracked) {
    this.tracked = tracked;
  }

  /**
   * Lets a channel that does not listen yet have its connections tracked.
   *
   * @param tracked begins to track one; false if it must not be served
   */
  static <C extends ServerChannel> C trackedBy(Predicate<Channel> tracked, C listening) {
    listening.pipeline().addFirst(new AcceptedConnections(tracked));
    return listening;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object accepted) {
    Channel connection = (Channel) accepted;
    if (tracked.test(connection)) {
      context.fireChannelRead(connection);
    } else {
      connection.unsafe().closeForcibly();
    }
  }
}
