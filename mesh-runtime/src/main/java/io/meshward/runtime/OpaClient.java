package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.SimpleChannelInboundHandler;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.pool.AbstractChannelPoolHandler;
import io.grpc.netty.shaded.io.netty.channel.pool.ChannelHealthChecker;
import io.grpc.netty.shaded.io.netty.channel.pool.ChannelPool;
import io.grpc.netty.shaded.io.netty.channel.pool.FixedChannelPool;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.grpc.netty.shaded.io.netty.handler.codec.http.FullHttpRequest;
import io.grpc.netty.shaded.io.netty.handler.codec.http.FullHttpResponse;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpClientCodec;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpHeaderNames;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpMethod;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpObjectAggregator;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpUtil;
import io.grpc.netty.shaded.io.netty.handler.codec.http.HttpVersion;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.netty.shaded.io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Posts JSON over HTTP/1.1 to one address, TCP or a Unix socket, on one thread of its own. At most
 * {@value #MOST_CONNECTIONS} requests are under way and {@value #MOST_WAITING} wait; a request that
 * is not answered in time fails, and its connection is not used again. Thread-safe.
 */
final class OpaClient implements AutoCloseable {
  private static final int MOST_CONNECTIONS = 16;
  private static final int MOST_WAITING = 1024;
  private static final int MAX_RESPONSE_BYTES = 64 * 1024;

  private final EventLoopGroup loop;
  private final ChannelPool pool;
  private final Duration timeout;

  /** An answer, whatever its status. */
  record Reply(int status, String body) {}

  /** More requests wait than may. */
  static final class OverloadedException extends IOException {
    private static final long serialVersionUID = 1L;

    OverloadedException(Throwable cause) {
      super("too many requests wait", cause);
    }
  }

  OpaClient(SocketAddress address, Duration timeout) {
    this.timeout = timeout;
    this.loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("meshward-opa", true), NioIoHandler.newFactory());
    boolean tcp = address instanceof InetSocketAddress;
    Bootstrap bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(tcp ? NioSocketChannel.class : NioDomainSocketChannel.class)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) timeout.toMillis())
            .remoteAddress(address);
    if (tcp) {
      bootstrap.option(ChannelOption.TCP_NODELAY, true);
    }
    this.pool =
        new FixedChannelPool(
            bootstrap,
            new Pipeline(),
            ChannelHealthChecker.ACTIVE,
            null,
            -1,
            MOST_CONNECTIONS,
            MOST_WAITING);
  }

  private static final class Pipeline extends AbstractChannelPoolHandler {
    @Override
    public void channelCreated(Channel channel) {
      channel
          .pipeline()
          .addLast(
              new HttpClientCodec(), new HttpObjectAggregator(MAX_RESPONSE_BYTES), new Exchange());
    }
  }

  /** The one request that a connection is busy with. */
  private static final class Exchange extends SimpleChannelInboundHandler<FullHttpResponse> {
    private @Nullable CompletableFuture<Reply> waiting;

    void begin(CompletableFuture<Reply> reply) {
      waiting = reply;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
      CompletableFuture<Reply> reply = waiting;
      waiting = null;
      if (reply == null || !HttpUtil.isKeepAlive(response)) {
        var unused = context.close();
      }
      if (reply != null) {
        reply.complete(new Reply(response.status().code(), response.content().toString(UTF_8)));
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      fail(new IOException("OPA closed the connection"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      fail(cause);
      var unused = context.close();
    }

    private void fail(Throwable cause) {
      CompletableFuture<Reply> reply = waiting;
      waiting = null;
      if (reply != null) {
        reply.completeExceptionally(cause);
      }
    }
  }

  /**
   * Posts; never blocks.
   *
   * @return fails with a {@link TimeoutException}, an {@link OverloadedException}, or what went
   *     wrong with the connection
   */
  CompletableFuture<Reply> post(String uri, byte[] json, @Nullable String traceparent) {
    CompletableFuture<Reply> reply = new CompletableFuture<>();
    if (loop.isShuttingDown()) {
      reply.completeExceptionally(new IOException("this client is closed"));
      return reply;
    }
    var timer =
        loop.schedule(
            () -> reply.completeExceptionally(new TimeoutException("no answer in " + timeout)),
            timeout.toMillis(),
            MILLISECONDS);
    var unused = reply.whenComplete((answer, failure) -> timer.cancel(false));
    var unusedAcquisition =
        pool.acquire()
            .addListener(
                (Future<Channel> acquired) -> {
                  if (acquired.isSuccess()) {
                    send(acquired.getNow(), reply, request(uri, json, traceparent));
                  } else {
                    reply.completeExceptionally(
                        acquired.cause() instanceof IllegalStateException full
                            ? new OverloadedException(full)
                            : acquired.cause());
                  }
                });
    return reply;
  }

  private void send(Channel channel, CompletableFuture<Reply> reply, FullHttpRequest request) {
    if (reply.isDone()) {
      request.release();
      giveBack(channel);
      return;
    }
    channel.pipeline().get(Exchange.class).begin(reply);
    var unusedRelease =
        reply.whenComplete(
            (answer, failure) -> {
              if (failure != null) {
                // Its answer could come later and be taken for the next one's.
                var unusedClose = channel.close();
              }
              giveBack(channel);
            });
    var unusedWrite =
        channel
            .writeAndFlush(request)
            .addListener(
                written -> {
                  if (!written.isSuccess()) {
                    reply.completeExceptionally(written.cause());
                  }
                });
  }

  private void giveBack(Channel channel) {
    var unused = pool.release(channel);
  }

  private static FullHttpRequest request(String uri, byte[] json, @Nullable String traceparent) {
    FullHttpRequest request =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, HttpMethod.POST, uri, Unpooled.wrappedBuffer(json));
    request
        .headers()
        .set(HttpHeaderNames.HOST, "localhost")
        .set(HttpHeaderNames.CONTENT_TYPE, "application/json")
        .setInt(HttpHeaderNames.CONTENT_LENGTH, json.length);
    if (traceparent != null) {
      request.headers().set("traceparent", traceparent);
    }
    return request;
  }

  @Override
  public void close() {
    pool.close();
    var unused = loop.shutdownGracefully(0, 1, SECONDS);
  }
}
