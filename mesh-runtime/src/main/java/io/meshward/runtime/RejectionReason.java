package io.meshward.runtime;

import io.meshward.schemas.TlsHandshake.Result;

/** Why a handshake is refused: our code, and the outcome of gRFC A118 it is reported as. */
enum RejectionReason {
  NO_CLIENT_CERT("no_client_cert", Result.CERTIFICATE_VERIFICATION_FAILED),
  NO_URI_SAN("profile:no_uri_san", Result.CERTIFICATE_VERIFICATION_FAILED),
  SEVERAL_URI_SANS("profile:several_uri_sans", Result.CERTIFICATE_VERIFICATION_FAILED),
  INVALID_SPIFFE_ID("profile:invalid_spiffe_id", Result.CERTIFICATE_VERIFICATION_FAILED),
  NO_PATH("profile:no_path", Result.CERTIFICATE_VERIFICATION_FAILED),
  CA_AS_LEAF("profile:ca_as_leaf", Result.CERTIFICATE_VERIFICATION_FAILED),
  KEY_USAGE_MISSING("profile:key_usage_missing", Result.CERTIFICATE_VERIFICATION_FAILED),
  KEY_USAGE_NOT_CRITICAL("profile:key_usage_not_critical", Result.CERTIFICATE_VERIFICATION_FAILED),
  KEY_CERT_SIGN("profile:key_cert_sign", Result.CERTIFICATE_VERIFICATION_FAILED),
  CRL_SIGN("profile:crl_sign", Result.CERTIFICATE_VERIFICATION_FAILED),
  NO_DIGITAL_SIGNATURE("profile:no_digital_signature", Result.CERTIFICATE_VERIFICATION_FAILED),
  EXTENDED_KEY_USAGE("profile:extended_key_usage", Result.CERTIFICATE_VERIFICATION_FAILED),
  CHAIN_TOO_LONG("profile:chain_too_long", Result.CERTIFICATE_VERIFICATION_FAILED),
  /** Whoever sent it may want no more than that it is used. */
  KEY_TOO_COSTLY("key_too_costly", Result.CERTIFICATE_VERIFICATION_FAILED),
  MALFORMED("malformed", Result.CERTIFICATE_MALFORMED),
  UNKNOWN_TRUST_DOMAIN("unknown_trust_domain", Result.CERTIFICATE_AUTHORITY_INVALID),
  /** The chain is good, but under the bundle of another trust domain than the ID claims. */
  TRUST_DOMAIN_BUNDLE_MISMATCH("td_bundle_mismatch", Result.CERTIFICATE_AUTHORITY_INVALID),
  UNKNOWN_AUTHORITY("unknown_authority", Result.CERTIFICATE_AUTHORITY_INVALID),
  PATH_SIGNATURE("path:signature", Result.CERTIFICATE_VERIFICATION_FAILED),
  PATH_ALGORITHM("path:algorithm", Result.CERTIFICATE_VERIFICATION_FAILED),
  PATH_NAME_CONSTRAINTS("path:name_constraints", Result.CERTIFICATE_VERIFICATION_FAILED),
  PATH_NOT_AUTHORITY("path:not_authority", Result.CERTIFICATE_VERIFICATION_FAILED),
  PATH_TOO_LONG("path:too_long", Result.CERTIFICATE_VERIFICATION_FAILED),
  PATH_CRITICAL_EXTENSION("path:critical_extension", Result.CERTIFICATE_VERIFICATION_FAILED),
  /** An intermediate; of the leaf it is {@link #EXPIRED}. */
  PATH_EXPIRED("path:expired", Result.CERTIFICATE_EXPIRED),
  /** An intermediate; of the leaf it is {@link #NOT_YET_VALID}. */
  PATH_NOT_YET_VALID("path:not_yet_valid", Result.CERTIFICATE_NOT_YET_VALID),
  /** Another rule of RFC 5280 6. */
  PATH_INVALID("path:invalid", Result.CERTIFICATE_VERIFICATION_FAILED),
  EXPIRED("expired", Result.CERTIFICATE_EXPIRED),
  NOT_YET_VALID("not_yet_valid", Result.CERTIFICATE_NOT_YET_VALID),
  UNEXPECTED_PEER_ID("unexpected_peer_id", Result.CERTIFICATE_HOSTNAME_MISMATCH),
  QUARANTINED("quarantined", Result.CERTIFICATE_REVOKED),
  /** Holds have not been read yet, so whether the peer is quarantined is unknown. */
  QUARANTINE_UNREAD("quarantine_unread", Result.CERTIFICATE_REVOKED),
  /** A revocation list names one of its certificates. */
  REVOKED("revoked", Result.CERTIFICATE_REVOKED),
  /** No revocation list covers one of its certificates, and that is demanded. */
  REVOCATION_UNDETERMINED("revocation_undetermined", Result.CERTIFICATE_REVOKED),
  STAPLE_MISSING("ocsp:missing", Result.CERTIFICATE_REVOKED),
  STAPLE_INVALID("ocsp:invalid", Result.CERTIFICATE_REVOKED),
  STAPLE_REVOKED("ocsp:revoked", Result.CERTIFICATE_REVOKED),
  STAPLE_UNKNOWN("ocsp:unknown", Result.CERTIFICATE_REVOKED),
  /** Something else than TLS was to prove who the peer is, and did not. */
  UNAUTHENTICATED("unauthenticated", Result.CERTIFICATE_VERIFICATION_FAILED),
  /** It did, and nobody stands behind the name. */
  UNKNOWN_ACCOUNT("unknown_account", Result.CERTIFICATE_VERIFICATION_FAILED),
  /** This workload itself has no SVID that it may use now. */
  NO_OWN_SVID("own_svid_unavailable", Result.UNKNOWN_FAILURE),
  /** This workload itself is held. */
  OWN_QUARANTINED("own_quarantined", Result.UNKNOWN_FAILURE);

  private final String code;
  private final Result result;

  RejectionReason(String code, Result result) {
    this.code = code;
    this.result = result;
  }

  /** The code in events: {@code tls.detail} and {@code authz.reason}. */
  String code() {
    return code;
  }

  Result result() {
    return result;
  }
}
