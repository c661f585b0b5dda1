package io.meshward.testkit;

/**
 * A way in which an X.509-SVID differs from the plain one that {@link TestTrustDomain#issue} makes,
 * with what a validator has to make of it. A test that runs over {@link #values()} covers the
 * X509-SVID standard's demands on validators.
 */
public enum Variation {
  /** Two DNS names beside the SPIFFE ID: other kinds of names are allowed (X509-SVID 2). */
  DNS_NAMES(Verdict.VALID),
  /** No extended key usage: it is optional (X509-SVID 4.4). */
  NO_EXTENDED_KEY_USAGE(Verdict.VALID),
  /** An empty subject, so that the names are critical (RFC 5280 4.2.1.6). */
  NO_SUBJECT(Verdict.VALID),
  /** An RSA key of 2048 bits in the place of P-256. */
  RSA_KEY(Verdict.VALID),
  /** A non-critical extension nobody knows (RFC 5280 4.2). */
  UNKNOWN_EXTENSION(Verdict.VALID),
  /** Scheme and trust domain in upper case, which parsers take (SPIFFE-ID 2.4). */
  UPPER_CASE_TRUST_DOMAIN(Verdict.VALID),
  /** Signed by an intermediate authority that is in the chain (X509-SVID 3.2). */
  INTERMEDIATE(Verdict.VALID),
  /** Signed by an intermediate whose name constraints permit this trust domain. */
  NAME_CONSTRAINTS_PERMIT(Verdict.VALID),

  /** A key usage without digitalSignature (X509-SVID 4.3). */
  NO_DIGITAL_SIGNATURE(Verdict.ISSUER_FAULT),
  /** A key usage that is not critical (X509-SVID 4.3). */
  KEY_USAGE_NOT_CRITICAL(Verdict.ISSUER_FAULT),
  /** No key usage (X509-SVID 4.3). */
  NO_KEY_USAGE(Verdict.ISSUER_FAULT),
  /** An extended key usage for clients only (X509-SVID 4.4). */
  NO_SERVER_AUTH(Verdict.ISSUER_FAULT),
  /** An extended key usage for servers only (X509-SVID 4.4). */
  NO_CLIENT_AUTH(Verdict.ISSUER_FAULT),
  /** Names that are not critical under an empty subject; Java's parser refuses the certificate. */
  NO_SUBJECT_NAMES_NOT_CRITICAL(Verdict.ISSUER_FAULT),

  /** The basic constraint cA is true (X509-SVID 5.2). */
  CERTIFICATE_AUTHORITY(Verdict.INVALID),
  /** A key usage with keyCertSign (X509-SVID 5.2). */
  KEY_CERT_SIGN(Verdict.INVALID),
  /** A key usage with cRLSign (X509-SVID 5.2). */
  CRL_SIGN(Verdict.INVALID),
  /** The trust domain's signing certificate and key themselves (X509-SVID 5.2). */
  ROOT_ITSELF(Verdict.INVALID),
  /** The SPIFFE ID and a second one (X509-SVID 2). */
  TWO_SPIFFE_IDS(Verdict.INVALID),
  /** The SPIFFE ID and an https URI (X509-SVID 2). */
  HTTPS_URI_TOO(Verdict.INVALID),
  /** An https URI in the place of the SPIFFE ID (X509-SVID 2). */
  HTTPS_URI_ONLY(Verdict.INVALID),
  /** A DNS name and no URI (X509-SVID 2). */
  NO_URI(Verdict.INVALID),
  /** No alternative names; the SPIFFE ID is the common name (X509-SVID 2). */
  NO_NAMES(Verdict.INVALID),
  /** The trust domain's own ID, which has no path (X509-SVID 5.2). */
  NO_PATH(Verdict.INVALID),
  /** An empty segment in the SPIFFE ID's path (SPIFFE-ID 2.2). */
  MALFORMED_ID(Verdict.INVALID),
  /** Its time is over (RFC 5280 6.1.3). */
  EXPIRED(Verdict.INVALID),
  /** Its time has not come (RFC 5280 6.1.3). */
  NOT_YET_VALID(Verdict.INVALID),
  /** A private key that is not the certificate's. */
  WRONG_KEY(Verdict.INVALID),
  /** Signed by another authority under the same name (RFC 5280 6.1.3). */
  IMPOSTOR_ISSUER(Verdict.INVALID),
  /** The signature is changed in one bit. */
  BROKEN_SIGNATURE(Verdict.INVALID),
  /** A critical extension nobody knows (RFC 5280 4.2). */
  UNKNOWN_CRITICAL_EXTENSION(Verdict.INVALID),
  /** Signed by an intermediate that is not in the chain. */
  INTERMEDIATE_MISSING(Verdict.INVALID),
  /** Signed by an intermediate that is no authority (RFC 5280 6.1.4). */
  INTERMEDIATE_NOT_AUTHORITY(Verdict.INVALID),
  /** Signed by an intermediate whose time is over (RFC 5280 6.1.3). */
  INTERMEDIATE_EXPIRED(Verdict.INVALID),
  /**
   * Signed by an intermediate whose name constraints exclude this trust domain (RFC 5280 6.1.3).
   */
  NAME_CONSTRAINTS_EXCLUDE(Verdict.INVALID);

  /** What a validator has to make of a variation. */
  public enum Verdict {
    /** Every validator accepts it. */
    VALID,
    /** The standard forbids it to issuers and does not ask validators to look: either is right. */
    ISSUER_FAULT,
    /** Every validator refuses it. */
    INVALID
  }

  private final Verdict verdict;

  Variation(Verdict verdict) {
    this.verdict = verdict;
  }

  /** What a validator has to make of it. */
  public Verdict verdict() {
    return verdict;
  }
}
