package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonValue;
import org.jspecify.annotations.Nullable;

/**
 * One TLS handshake, whatever its outcome: kind {@code tls.handshake}.
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
   * @param resumed whether a session was resumed, if known
   * @param trustGeneration the generation of bundles, revocations and holds it was judged under
   * @param skewMs how far the peer's certificate lies outside our clock; 0 if it does not
   */
  public record Tls(
      Role role,
      Result result,
      @Nullable String detail,
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
