package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.grpc.netty.shaded.io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A channel of Netty as the carrier of a connection. Thread-safe. */
final class ChannelLink implements ConnectionLink {
  private final Channel channel;

  ChannelLink(Channel channel) {
    this.channel = channel;
  }

  @Override
  public @Nullable String ip() {
    return channel.remoteAddress() instanceof InetSocketAddress address
            && address.getAddress() != null
        ? NetUtil.toAddressString(address.getAddress())
        : null;
  }

  @Override
  public @Nullable Integer port() {
    return channel.remoteAddress() instanceof InetSocketAddress address ? address.getPort() : null;
  }

  /** On the connection's own thread it is gone when this returns. */
  @Override
  public void cut() {
    if (channel.eventLoop().inEventLoop()) {
      closeFromTheSocket();
    } else {
      channel.eventLoop().execute(this::closeFromTheSocket);
    }
  }

  /** From the first handler on, so that neither HTTP/2 nor TLS can linger. */
  private void closeFromTheSocket() {
    ChannelHandlerContext first = channel.pipeline().firstContext();
    ChannelFuture unused = first == null ? channel.close() : first.close();
  }

  @Override
  public void drain() {
    Http2ConnectionHandler http2 = channel.pipeline().get(Http2ConnectionHandler.class);
    if (http2 == null || http2.connection().isServer()) {
      ChannelFuture unused = channel.close();
    } else {
      thread().execute(() -> CallsInFlight.drain(channel, Refusal.SVID_ENDS));
    }
  }

  @Override
  public Executor thread() {
    return channel.eventLoop();
  }

  @Override
  public void onClose(Runnable task) {
    ChannelFuture unused = channel.closeFuture().addListener(closed -> task.run());
  }

  @Override
  public Future<?> after(Duration wait, Runnable task) {
    Future<?> timer = channel.eventLoop().schedule(task, wait.toMillis(), MILLISECONDS);
    onClose(() -> timer.cancel(false));
    return timer;
  }
}
