package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.SimpleChannelInboundHandler;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * Clients by the thousand that show one SVID and trust everyone: by BoringSSL and on one event
 * loop, since those of the JDK take more of the machine than the server that is looked at.
 */
final class Crowd implements AutoCloseable {
  /** How many are on their way at a time: gRPC's servers have so many wait, and a few more. */
  private static final int AT_ONCE = 100;

  private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Semaphore onTheirWay = new Semaphore(AT_ONCE);
  private final SslContext tls;

  Crowd(IssuedSvid svid) {
    try {
      tls =
          GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.OPENSSL)
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .endpointIdentificationAlgorithm(null)
              .protocols("TLSv1.3")
              .keyManager(Attacker.keyManager(svid))
              .build();
    } catch (SSLException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Connects to a server of HTTP/2 on this machine, with a full handshake.
   *
   * @return completes with the connection once the server answered its settings, or with why it did
   *     not
   */
  CompletableFuture<Channel> connect(int port) throws InterruptedException {
    onTheirWay.acquire();
    CompletableFuture<Channel> served = new CompletableFuture<>();
    ChannelFuture unused =
        new Bootstrap()
            .group(loop)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(tls.newHandler(channel.alloc()), new Client(served));
                  }
                })
            .connect(InetAddress.getLoopbackAddress(), port)
            .addListener(
                connected -> {
                  if (!connected.isSuccess()) {
                    served.completeExceptionally(connected.cause());
                  }
                });
    return served.whenComplete((channel, failure) -> onTheirWay.release());
  }

  @Override
  public void close() {
    assertThat(loop.shutdownGracefully(0, 10, TimeUnit.SECONDS).awaitUninterruptibly(20_000))
        .as("the loop ends")
        .isTrue();
    ReferenceCountUtil.release(tls);
  }

  /** Says the preface after the handshake, and looks at the first frame that comes back. */
  private static final class Client extends SimpleChannelInboundHandler<ByteBuf> {
    private static final int FRAME_HEADER = 9;
    private static final int TYPE = 3;
    private static final int SETTINGS = 4;

    private final CompletableFuture<Channel> served;

    Client(CompletableFuture<Channel> served) {
      this.served = served;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof SslHandshakeCompletionEvent handshake) {
        if (handshake.isSuccess()) {
          ChannelFuture unused =
              context.writeAndFlush(Unpooled.wrappedBuffer(Attacker.HTTP_2_PREFACE));
        } else {
          served.completeExceptionally(handshake.cause());
        }
      }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) {
      if (frame.readableBytes() >= FRAME_HEADER
          && frame.getByte(frame.readerIndex() + TYPE) == SETTINGS) {
        served.complete(context.channel());
      } else {
        served.completeExceptionally(new IOException("no settings came first"));
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      served.completeExceptionally(new IOException("closed before it was served"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      served.completeExceptionally(cause);
      ChannelFuture unused = context.close();
    }
  }
}
