package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.testkit.ForeignTls;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Peers that trust everyone and show whatever certificate they like, over the JDK's TLS. */
final class Attacker {
  static final byte[] HTTP_2_PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(US_ASCII);

  private Attacker() {}

  /** A gRPC channel that shows an SVID, or none. */
  static ManagedChannel dial(int port, @Nullable IssuedSvid svid) {
    try {
      SslContextBuilder tls =
          GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .endpointIdentificationAlgorithm(null)
              .protocols("TLSv1.3");
      if (svid != null) {
        tls.keyManager(keyManager(svid));
      }
      return NettyChannelBuilder.forAddress("127.0.0.1", port).sslContext(tls.build()).build();
    } catch (SSLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A gRPC server of {@link Echo}, behind interceptors, that shows an SVID. */
  static Server serve(IssuedSvid svid, ServerInterceptor... interceptors) {
    return serve(svid, ServerInterceptors.intercept(Echo.service(), interceptors));
  }

  static Server serve(IssuedSvid svid, ServerServiceDefinition service) {
    try {
      return NettyServerBuilder.forAddress(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
          .sslContext(
              GrpcSslContexts.configure(
                      SslContextBuilder.forServer(keyManager(svid)), SslProvider.JDK)
                  .trustManager(InsecureTrustManagerFactory.INSTANCE)
                  .clientAuth(ClientAuth.OPTIONAL)
                  .protocols("TLSv1.3")
                  .build())
          .addService(service)
          .build()
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A plain TLS socket, connected and not yet shaken hands. */
  static SSLSocket socket(SSLContext context, int port, String protocol, String... alpn) {
    try {
      SSLSocket socket =
          (SSLSocket)
              context
                  .getSocketFactory()
                  .createSocket(
                      new Socket(InetAddress.getLoopbackAddress(), port), "127.0.0.1", port, true);
      socket.setSoTimeout(10_000);
      socket.setTcpNoDelay(true);
      var parameters = socket.getSSLParameters();
      parameters.setProtocols(new String[] {protocol});
      parameters.setApplicationProtocols(alpn);
      socket.setSSLParameters(parameters);
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static SSLContext context(@Nullable IssuedSvid svid) {
    return ForeignTls.context(svid);
  }

  static KeyManager keyManager(IssuedSvid svid) {
    return ForeignTls.keyManager(svid);
  }

  /** A context that shows a chain, to peers whoever they are. */
  static SSLContext context(List<X509Certificate> chain, PrivateKey key) {
    return ForeignTls.context(chain, key);
  }

  /** Whether a server answers HTTP/2 settings over a socket that has not shaken hands yet. */
  static boolean isServed(SSLSocket socket) {
    try {
      socket.startHandshake();
      socket.getOutputStream().write(HTTP_2_PREFACE);
      socket.getOutputStream().flush();
      byte[] frame = socket.getInputStream().readNBytes(9);
      return frame.length == 9 && frame[3] == 4;
    } catch (IOException e) {
      return false;
    }
  }

  /** The other side ends the connection, be it by an alert, a reset, or without a word. */
  static void assertEnds(Socket socket) {
    byte[] rest = new byte[4096];
    try {
      int read = 0;
      while (read >= 0) {
        read = socket.getInputStream().read(rest);
      }
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the connection was not ended", e);
    } catch (IOException e) {
      assertThat(e).as("a reset").isNotNull();
    }
  }
}
