package io.meshward.runtime;

import java.util.List;

/** The claims of the verified JWT-SVID that came with a call. */
interface TokenClaims {

  /** A call without a token. */
  TokenClaims ABSENT = claim -> List.of();

  /** The claim's texts: one, or several where it is a list; none if it is absent. */
  List<String> texts(String claim);
}
