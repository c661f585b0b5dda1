package io.meshward.runtime;

/** What revocation lists say of a chain (gRFC A69). */
enum RevocationStatus {
  /** A list that is in force covers each certificate, and names none of them. */
  UNREVOKED,
  /** A list names one of them. */
  REVOKED,
  /** No list that is in force and can be used covers one of them. */
  UNDETERMINED;

  /** The name in events: {@code tls.crl}. */
  String label() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** Of a chain whose parts have these. */
  RevocationStatus and(RevocationStatus other) {
    if (this == REVOKED || other == REVOKED) {
      return REVOKED;
    }
    return this == UNDETERMINED ? this : other;
  }
}
