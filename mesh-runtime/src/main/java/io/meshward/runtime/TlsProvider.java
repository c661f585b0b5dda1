package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSsl;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslContextOption;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who does TLS for gRPC, and with which groups in the key exchange.
 *
 * @param groups the most wanted first; empty for the provider's own
 * @param fallback why it is not BoringSSL although that was wanted; none if it is
 */
record TlsProvider(SslProvider provider, List<String> groups, @Nullable String fallback) {
  private static final Logger log = LoggerFactory.getLogger(TlsProvider.class);

  /** Hybrid post-quantum first; what a peer lacks is not chosen. */
  private static final List<String> BORINGSSL_GROUPS =
      List.of("X25519MLKEM768", "x25519", "secp256r1");

  TlsProvider {
    groups = List.copyOf(groups);
  }

  /**
   * BoringSSL where this platform has it; else the JDK, loudly.
   *
   * @param forced the one to take, if it is not left open
   * @param wanted the groups to take; empty if that is left open
   * @throws IllegalArgumentException if the provider lacks a group
   */
  static TlsProvider choose(@Nullable SslProvider forced, List<String> wanted) {
    if (forced != SslProvider.JDK && (forced != null || OpenSsl.isAvailable())) {
      return boringSsl(wanted);
    }
    String fallback = forced == null ? missing(OpenSsl.unavailabilityCause()) : null;
    requireJdkHas(wanted);
    return new TlsProvider(SslProvider.JDK, wanted, fallback);
  }

  /**
   * Refuses to start what could not staple.
   *
   * @throws IllegalArgumentException if staples are to be served and the JDK does TLS: its servers
   *     fetch responses themselves, from an address that no SVID names
   */
  void requireCanStaple(ServerStaples staples) {
    if (staples.areServed() && provider == SslProvider.JDK) {
      throw new IllegalArgumentException(
          "OCSP responses are to be stapled, which needs BoringSSL: TLS is by the JDK here");
    }
  }

  private static String missing(@Nullable Throwable cause) {
    log.atWarn()
        .setCause(cause)
        .log("BoringSSL is not available: TLS falls back to the JDK, which is slower");
    return "BoringSSL is not available, TLS falls back to the JDK: " + cause;
  }

  private static TlsProvider boringSsl(List<String> wanted) {
    for (String group : wanted) {
      try {
        SslContext unused =
            SslContextBuilder.forClient()
                .sslProvider(SslProvider.OPENSSL)
                .option(OpenSslContextOption.GROUPS, new String[] {group})
                .build();
      } catch (SSLException | RuntimeException e) {
        throw new IllegalArgumentException(
            "BoringSSL has no group '" + group + "': expected such as " + BORINGSSL_GROUPS, e);
      }
    }
    return new TlsProvider(SslProvider.OPENSSL, wanted.isEmpty() ? BORINGSSL_GROUPS : wanted, null);
  }

  private static void requireJdkHas(List<String> wanted) {
    if (wanted.isEmpty()) {
      return;
    }
    try {
      String[] named = SSLContext.getDefault().getSupportedSSLParameters().getNamedGroups();
      List<String> known = named == null ? List.of() : List.of(named);
      List<String> unknown = new ArrayList<>(wanted);
      unknown.removeIf(group -> known.stream().anyMatch(group::equalsIgnoreCase));
      if (!unknown.isEmpty()) {
        throw new IllegalArgumentException(
            "TLS is by the JDK here, which has no group " + unknown + ": it has " + known);
      }
    } catch (NoSuchAlgorithmException e) {
      throw new MeshRuntimeException("the JDK has no default TLS context", e);
    }
  }
}
