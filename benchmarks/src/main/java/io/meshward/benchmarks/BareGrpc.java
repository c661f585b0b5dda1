package io.meshward.benchmarks;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.testkit.IssuedSvid;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLException;

/**
 * gRPC over mTLS as grpc-java gives it: TLS 1.3, both certificates checked against the authorities,
 * as many event loops as the runtime has, and nothing else. The same certificates as the runtime's.
 */
final class BareGrpc implements AutoCloseable {
  private final SslProvider provider;
  private final IssuedSvid svid;
  private final X509Certificate[] authorities;
  private final EventLoopGroup acceptor = loops(1);
  private final EventLoopGroup loops = loops(Runtime.getRuntime().availableProcessors());

  BareGrpc(SslProvider provider, IssuedSvid svid, List<X509Certificate> authorities) {
    this.provider = provider;
    this.svid = svid;
    this.authorities = authorities.toArray(X509Certificate[]::new);
  }

  private static EventLoopGroup loops(int count) {
    return new MultiThreadIoEventLoopGroup(count, NioIoHandler.newFactory());
  }

  NettyServerBuilder server() throws SSLException {
    SslContextBuilder tls =
        SslContextBuilder.forServer(
                svid.privateKey(), svid.certificates().toArray(X509Certificate[]::new))
            .clientAuth(ClientAuth.REQUIRE);
    return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .channelType(NioServerSocketChannel.class)
        .bossEventLoopGroup(acceptor)
        .workerEventLoopGroup(loops)
        .sslContext(build(tls));
  }

  NettyChannelBuilder channel(int port) throws SSLException {
    return NettyChannelBuilder.forAddress("127.0.0.1", port)
        .channelType(NioSocketChannel.class, InetSocketAddress.class)
        .eventLoopGroup(loops)
        .sslContext(clientTls());
  }

  SslContext clientTls() throws SSLException {
    return build(
        SslContextBuilder.forClient()
            .keyManager(svid.privateKey(), svid.certificates().toArray(X509Certificate[]::new))
            // An SVID names no host.
            .endpointIdentificationAlgorithm(null));
  }

  private SslContext build(SslContextBuilder builder) throws SSLException {
    return GrpcSslContexts.configure(builder, provider)
        .protocols("TLSv1.3")
        .trustManager(authorities)
        .build();
  }

  EventLoopGroup eventLoops() {
    return loops;
  }

  @Override
  public void close() {
    var _ = loops.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS);
    var _ = acceptor.shutdownGracefully(0, 1, java.util.concurrent.TimeUnit.SECONDS);
  }
}
