package io.meshward.runtime;

import io.meshward.testkit.Variation;
import org.jspecify.annotations.Nullable;

/** What our verifier makes of each variation of an SVID. */
final class ExpectedReasons {
  private ExpectedReasons() {}

  /** The reason of the refusal; none if it is accepted. */
  static @Nullable RejectionReason of(Variation variation) {
    return switch (variation) {
      case DNS_NAMES,
          NO_EXTENDED_KEY_USAGE,
          NO_SUBJECT,
          RSA_KEY,
          UNKNOWN_EXTENSION,
          UPPER_CASE_TRUST_DOMAIN,
          INTERMEDIATE,
          NAME_CONSTRAINTS_PERMIT,
          // The handshake finds this out, not the chain.
          WRONG_KEY ->
          null;
      case NO_DIGITAL_SIGNATURE -> RejectionReason.NO_DIGITAL_SIGNATURE;
      case KEY_USAGE_NOT_CRITICAL -> RejectionReason.KEY_USAGE_NOT_CRITICAL;
      case NO_KEY_USAGE -> RejectionReason.KEY_USAGE_MISSING;
      case NO_SERVER_AUTH, NO_CLIENT_AUTH -> RejectionReason.EXTENDED_KEY_USAGE;
      case NO_SUBJECT_NAMES_NOT_CRITICAL -> RejectionReason.MALFORMED;
      case CERTIFICATE_AUTHORITY, ROOT_ITSELF -> RejectionReason.CA_AS_LEAF;
      case KEY_CERT_SIGN -> RejectionReason.KEY_CERT_SIGN;
      case CRL_SIGN -> RejectionReason.CRL_SIGN;
      case TWO_SPIFFE_IDS, HTTPS_URI_TOO -> RejectionReason.SEVERAL_URI_SANS;
      case HTTPS_URI_ONLY, MALFORMED_ID -> RejectionReason.INVALID_SPIFFE_ID;
      case NO_URI, NO_NAMES -> RejectionReason.NO_URI_SAN;
      case NO_PATH -> RejectionReason.NO_PATH;
      case EXPIRED -> RejectionReason.EXPIRED;
      case NOT_YET_VALID -> RejectionReason.NOT_YET_VALID;
      case BROKEN_SIGNATURE -> RejectionReason.PATH_SIGNATURE;
      case UNKNOWN_CRITICAL_EXTENSION -> RejectionReason.PATH_CRITICAL_EXTENSION;
      case INTERMEDIATE_NOT_AUTHORITY -> RejectionReason.PATH_NOT_AUTHORITY;
      case INTERMEDIATE_EXPIRED -> RejectionReason.PATH_EXPIRED;
      case NAME_CONSTRAINTS_EXCLUDE -> RejectionReason.PATH_NAME_CONSTRAINTS;
      // Told apart by its authority key identifier, before any signature is looked at.
      case IMPOSTOR_ISSUER, INTERMEDIATE_MISSING -> RejectionReason.UNKNOWN_AUTHORITY;
    };
  }
}
