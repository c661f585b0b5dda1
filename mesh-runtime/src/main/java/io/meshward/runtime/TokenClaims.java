package io.meshward.runtime;

import java.util.List;
import java.util.Map;

/** The claims of the verified JWT-SVID that came with a call. */
interface TokenClaims {

  /** A call without a token. */
  TokenClaims ABSENT = claim -> List.of();

  /** The claim's texts: one, or several where it is a list; none if it is absent. */
  List<String> texts(String claim);

  /** All of them, as the types that JSON has. */
  default Map<String, Object> all() {
    return Map.of();
  }

  /** The SHA-256 of the token, in hexadecimal digits; empty without one. */
  default String tokenHash() {
    return "";
  }
}
