package io.meshward.runtime;

/** Why a token is no valid JWT-SVID; one for each rule. */
enum JwtRejection {
  TOO_LONG("jwt_too_long"),
  /** Not three parts of base64url, or no JSON in them. */
  MALFORMED("jwt_malformed"),
  ALGORITHM("jwt_alg"),
  TYPE("jwt_typ"),
  KEY_ID("jwt_kid"),
  CRITICAL_HEADER("jwt_crit"),
  SUBJECT("jwt_sub"),
  AUDIENCE("jwt_aud"),
  EXPIRY("jwt_exp"),
  EXPIRED("jwt_expired"),
  NOT_BEFORE("jwt_nbf"),
  NOT_YET_VALID("jwt_not_yet_valid"),
  ISSUED_AT("jwt_iat"),
  UNKNOWN_TRUST_DOMAIN("jwt_unknown_trust_domain"),
  UNKNOWN_KEY("jwt_unknown_key"),
  SIGNATURE("jwt_signature");

  private final String code;

  JwtRejection(String code) {
    this.code = code;
  }

  /** The code in events and exceptions. */
  String code() {
    return code;
  }
}
