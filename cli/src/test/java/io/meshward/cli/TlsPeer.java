package io.meshward.cli;

import io.meshward.testkit.IssuedSvid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** A foreign TLS peer: trusts everyone, and shows whatever certificate it is given. */
final class TlsPeer {
  private TlsPeer() {}

  static SSLContext context(@Nullable IssuedSvid svid) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          svid == null ? null : new KeyManager[] {new Shown(svid)},
          new TrustManager[] {new TrustEveryone()},
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A client over an open connection, not yet shaken hands. */
  static SSLSocket over(SSLContext context, Socket open) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            context.getSocketFactory().createSocket(open, "127.0.0.1", open.getPort(), true);
    socket.setSoTimeout(10_000);
    return socket;
  }

  static Listening serve(IssuedSvid svid) throws IOException {
    return new Listening(svid);
  }

  /** A server for one connection, which it keeps until its client ends it. */
  static final class Listening implements AutoCloseable {
    private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());

    private Listening(IssuedSvid svid) throws IOException {
      SSLContext context = context(svid);
      Thread.ofVirtual().start(() -> serve(context));
    }

    private void serve(SSLContext context) {
      try (Socket open = listening.accept();
          SSLSocket tls = over(context, open)) {
        tls.setUseClientMode(false);
        tls.setNeedClientAuth(true);
        tls.startHandshake();
        tls.getInputStream().readAllBytes();
      } catch (IOException e) {
        // Refused.
      }
    }

    int port() {
      return listening.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }

  private static final class Shown extends X509ExtendedKeyManager {
    private final IssuedSvid svid;

    Shown(IssuedSvid svid) {
      this.svid = svid;
    }

    private @Nullable String alias(String... keyTypes) {
      for (String keyType : keyTypes) {
        if (keyType.equals(svid.leaf().getPublicKey().getAlgorithm())) {
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
      return svid.certificates().toArray(X509Certificate[]::new);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return svid.privateKey();
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
