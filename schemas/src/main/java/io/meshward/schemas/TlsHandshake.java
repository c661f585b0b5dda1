package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonValue;
import org.jspecify.annotations.Nullable;

/**
 * One handshake, of TLS or of ALTS, whatever its outcome: kind {@code tls.handshake}.
 *
 * @param cert the peer's leaf certificate, if one was presented
 */
public record TlsHandshake(
    Tls tls, LocalWorkload local, Connection conn, Peer peer, @Nullable CertificateFacts cert)
    implements Event {

  /** Which side of the connection the reporter is. */
  public enum Role {
    SERVER,
    CLIENT
  }

  /** Outcomes, by the names of gRFC A118. */
  public enum Result {
    SUCCESS,
    CERTIFICATE_VERIFICATION_FAILED,
    CERTIFICATE_REVOKED,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_NOT_YET_VALID,
    CERTIFICATE_AUTHORITY_INVALID,
    CERTIFICATE_HOSTNAME_MISMATCH,
    CERTIFICATE_MALFORMED,
    CIPHER_SUITE_MISMATCH,
    PROTOCOL_VERSION_UNSUPPORTED,
    INAPPROPRIATE_FALLBACK,
    NO_APPLICATION_PROTOCOL,
    SIGNATURE_VERIFICATION_FAILED,
    DECRYPTION_FAILED,
    KEY_EXCHANGE_FAILURE,
    UNEXPECTED_MESSAGE,
    HANDSHAKE_TIMEOUT,
    PEER_CONNECTION_CLOSED,
    UNKNOWN_FAILURE;

    /** The name of gRFC A118, which JSON keeps in upper case. */
    @JsonValue
    String label() {
      return name();
    }
  }

  /**
   * The handshake itself.
   *
   * @param detail our reason code behind a failure, such as {@code quarantined} or {@code
   *     profile:ca_as_leaf}
   * @param provider who did it at the reporter: {@code boringssl}, {@code jdk}, or {@code alts},
   *     which is no TLS and has none of the details below; absent if it had not begun
   * @param version as the provider names it, {@code TLSv1.3}; absent if the handshake did not
   *     finish, as {@code group}, {@code cipher} and {@code alpn} are
   * @param group the group of the key exchange, as BoringSSL names it, such as {@code
   *     X25519MLKEM768}; absent where the JDK did the handshake, which tells it to nobody
   * @param sni the host name that the client asked for; of no meaning for who the server is, and
   *     absent where the client dialled an address
   * @param resumed whether a session was resumed, if known
   * @param chainLength how many certificates the peer showed; absent if it showed none
   * @param ocsp of a client that looks at staples: {@code good}, {@code missing}, {@code invalid},
   *     {@code revoked}, {@code unknown}; of a server that has a source of them: {@code stapled} to
   *     whoever asks, or {@code none}; absent where OCSP is not used
   * @param crl what revocation lists say of the peer's chain: {@code unrevoked}, {@code revoked},
   *     {@code undetermined}; absent where there are none, or something else has refused the peer
   * @param trustGeneration the generation of bundles, revocations and holds it was judged under
   * @param skewMs how far the peer's certificate lies outside our clock; 0 if it does not
   */
  public record Tls(
      Role role,
      Result result,
      @Nullable String detail,
      @Nullable String provider,
      @Nullable String version,
      @Nullable String group,
      @Nullable String cipher,
      @Nullable String alpn,
      @Nullable String sni,
      @Nullable Boolean resumed,
      @Nullable Integer chainLength,
      @Nullable String ocsp,
      @Nullable String crl,
      long trustGeneration,
      long skewMs) {
    public Tls {
      Require.notNegative(trustGeneration, "tls.trust_generation");
    }
  }
}
