package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
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

  /** A gRPC server of {@link Echo} that shows an SVID. */
  static Server serve(IssuedSvid svid) {
    return serve(svid, "TLSv1.3");
  }

  static Server serve(IssuedSvid svid, String protocol) {
    try {
      return NettyServerBuilder.forAddress(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
          .sslContext(
              GrpcSslContexts.configure(
                      SslContextBuilder.forServer(keyManager(svid)), SslProvider.JDK)
                  .trustManager(InsecureTrustManagerFactory.INSTANCE)
                  .clientAuth(ClientAuth.OPTIONAL)
                  .protocols(protocol)
                  .build())
          .addService(Echo.service())
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
    return context(svid == null ? null : keyManager(svid));
  }

  /** A context that shows a chain, to peers whoever they are. */
  static SSLContext context(List<X509Certificate> chain, PrivateKey key) {
    return context(new Shown(chain.toArray(X509Certificate[]::new), key));
  }

  private static SSLContext context(@Nullable KeyManager shown) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          shown == null ? null : new KeyManager[] {shown},
          new TrustManager[] {new TrustEveryone()},
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
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

  /** Shows the chain for every key type, also with a key that is not its own. */
  static KeyManager keyManager(IssuedSvid svid) {
    return new Shown(svid.certificates().toArray(X509Certificate[]::new), svid.privateKey());
  }

  private static final class Shown extends X509ExtendedKeyManager {
    private final X509Certificate[] chain;
    private final PrivateKey key;

    Shown(X509Certificate[] chain, PrivateKey key) {
      this.chain = chain;
      this.key = key;
    }

    private @Nullable String alias(String... keyTypes) {
      for (String keyType : keyTypes) {
        if (keyType.equals(chain[0].getPublicKey().getAlgorithm())) {
          return "shown";
        }
      }
      return null;
    }

    @Override
    public @Nullable String chooseEngineClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return alias(keyTypes);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return alias(keyType);
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return alias(keyTypes);
    }

    @Override
    public @Nullable String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return alias(keyType);
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.clone();
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {"shown"};
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {"shown"};
    }
  }

  private static final class TrustEveryone extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
