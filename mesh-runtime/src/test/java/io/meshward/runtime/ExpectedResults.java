package io.meshward.runtime;

import io.meshward.schemas.TlsHandshake.Result;

/** As what outcome of gRFC A118 each of our reasons for a failed handshake is reported. */
final class ExpectedResults {
  private ExpectedResults() {}

  static Result of(String detail) {
    return switch (detail) {
      case "no_client_cert",
          "profile:no_uri_san",
          "profile:several_uri_sans",
          "profile:invalid_spiffe_id",
          "profile:no_path",
          "profile:ca_as_leaf",
          "profile:key_usage_missing",
          "profile:key_usage_not_critical",
          "profile:key_cert_sign",
          "profile:crl_sign",
          "profile:no_digital_signature",
          "profile:extended_key_usage",
          "profile:chain_too_long",
          "key_too_costly",
          "path:signature",
          "path:algorithm",
          "path:name_constraints",
          "path:not_authority",
          "path:too_long",
          "path:critical_extension",
          "path:invalid",
          "unauthenticated",
          "unknown_account" ->
          Result.CERTIFICATE_VERIFICATION_FAILED;
      case "malformed" -> Result.CERTIFICATE_MALFORMED;
      case "unknown_trust_domain", "td_bundle_mismatch", "unknown_authority" ->
          Result.CERTIFICATE_AUTHORITY_INVALID;
      case "expired", "path:expired" -> Result.CERTIFICATE_EXPIRED;
      case "not_yet_valid", "path:not_yet_valid" -> Result.CERTIFICATE_NOT_YET_VALID;
      case "unexpected_peer_id" -> Result.CERTIFICATE_HOSTNAME_MISMATCH;
      case "quarantined",
          "quarantine_unread",
          "revoked",
          "revocation_undetermined",
          "ocsp:missing",
          "ocsp:invalid",
          "ocsp:revoked",
          "ocsp:unknown" ->
          Result.CERTIFICATE_REVOKED;
      case "signature" -> Result.SIGNATURE_VERIFICATION_FAILED;
      case "tls_version" -> Result.PROTOCOL_VERSION_UNSUPPORTED;
      case "fallback" -> Result.INAPPROPRIATE_FALLBACK;
      case "cipher" -> Result.CIPHER_SUITE_MISMATCH;
      case "group" -> Result.KEY_EXCHANGE_FAILURE;
      case "no_h2_alpn" -> Result.NO_APPLICATION_PROTOCOL;
      case "decryption" -> Result.DECRYPTION_FAILED;
      case "malformed_message", "unexpected_message", "plaintext" -> Result.UNEXPECTED_MESSAGE;
      case "handshake_timeout" -> Result.HANDSHAKE_TIMEOUT;
      case "peer_closed" -> Result.PEER_CONNECTION_CLOSED;
      case "own_svid_unavailable", "own_quarantined", "refused_by_peer", "unknown" ->
          Result.UNKNOWN_FAILURE;
      default -> throw new IllegalArgumentException(detail);
    };
  }
}
