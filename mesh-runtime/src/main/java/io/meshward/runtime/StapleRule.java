package io.meshward.runtime;

/** What a client demands of the OCSP response that a server staples to its certificate. */
public enum StapleRule {
  /** It is neither asked for nor looked at. */
  OFF,
  /** A server may come without; one that comes has to be valid and to say that all is good. */
  PREFER,
  /** A server without a valid one that says that all is good is refused. */
  REQUIRE
}
