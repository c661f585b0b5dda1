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
import io.meshward.runtime.RuntimeLimits;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * gRPC over mTLS as grpc-java gives it: TLS 1.3, both certificates checked against the authorities,
 * the keepalive and the limits that the runtime has, and nothing else. The same certificates as the
 * runtime's.
 */
final class BareGrpc implements AutoCloseable {
  private final SslProvider provider;
  private final IssuedSvid svid;
  private final X509Certificate[] authorities;
  private final EventLoopGroup acceptor = loops(1);
  private final EventLoopGroup loops;

  BareGrpc(SslProvider provider, IssuedSvid svid, List<X509Certificate> authorities, int loops) {
    this.provider = provider;
    this.loops = loops(loops);
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
    NettyServerBuilder server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .channelType(NioServerSocketChannel.class)
            .bossEventLoopGroup(acceptor)
            .workerEventLoopGroup(loops)
            .sslContext(build(tls));
    return RuntimeLimits.on(server, Duration.between(svid.notBefore(), svid.notAfter()));
  }

  /** A channel; all of them with the same TLS context. */
  NettyChannelBuilder channel(int port, SslContext clientTls) {
    return RuntimeLimits.on(
        NettyChannelBuilder.forTarget("dns:///127.0.0.1:" + port)
            .channelType(NioSocketChannel.class, InetSocketAddress.class)
            .eventLoopGroup(loops)
            .sslContext(clientTls));
  }

  SslContext clientTls() throws SSLException {
    return build(
        SslContextBuilder.forClient()
            .keyManager(svid.privateKey(), svid.certificates().toArray(X509Certificate[]::new)));
  }

  private SslContext build(SslContextBuilder builder) throws SSLException {
    return GrpcSslContexts.configure(builder, provider)
        .protocols("TLSv1.3")
        .trustManager(new WithoutHostNames(authorities))
        .build();
  }

  /** The JDK's own check of a chain, without the host's name: an SVID has none. */
  private static final class WithoutHostNames extends X509ExtendedTrustManager {
    private final X509TrustManager chains;
    private final X509Certificate[] authorities;

    WithoutHostNames(X509Certificate[] authorities) {
      this.authorities = authorities;
      try {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        for (int i = 0; i < authorities.length; i++) {
          store.setCertificateEntry("authority-" + i, authorities[i]);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        chains = (X509TrustManager) factory.getTrustManagers()[0];
      } catch (GeneralSecurityException | IOException e) {
        throw new IllegalStateException("the authorities cannot be used", e);
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      chains.checkClientTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      chains.checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      chains.checkClientTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      chains.checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      chains.checkClientTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      chains.checkServerTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return authorities.clone();
    }
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
