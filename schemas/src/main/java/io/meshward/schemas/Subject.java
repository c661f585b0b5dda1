package io.meshward.schemas;

import org.jspecify.annotations.Nullable;

/**
 * What a hold refuses.
 *
 * @param kind which kind of name {@code value} is
 * @param trustDomain the trust domain the subject belongs to; absent only for an {@link Kind#IP}
 * @param value the name, in the kind's canonical form
 */
public record Subject(Kind kind, @Nullable TrustDomain trustDomain, String value) {

  /** Kinds of subjects, with the form of their value. */
  public enum Kind {
    /** A SPIFFE ID. */
    SPIFFE_ID,
    /** A path prefix of whole segments, such as {@code /ns/shop}. */
    PATH_PREFIX,
    /** {@code <authority key identifier>:<serial>}, both in lower-case hexadecimal. */
    SERIAL,
    /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
    KEY_HASH,
    /** The trust domain's name. */
    TRUST_DOMAIN,
    /** An IP address in its canonical text form. */
    IP
  }

  public Subject {
    Require.text(value, "subject.value");
    if ((kind == Kind.IP) != (trustDomain == null)) {
      throw new IllegalArgumentException(
          "subject.trust_domain is "
              + trustDomain
              + ": expected one for every kind but IP, and none for IP");
    }
    switch (kind) {
      case SPIFFE_ID -> {
        SpiffeId id = SpiffeId.parse(value);
        if (!id.toString().equals(value) || !id.trustDomain().equals(trustDomain)) {
          throw new IllegalArgumentException(
              "subject.value is '" + value + "': expected a canonical SPIFFE ID of " + trustDomain);
        }
      }
      case PATH_PREFIX -> SpiffeId.checkPath(value, value);
      case KEY_HASH -> Require.sha256(value, "subject.value");
      case TRUST_DOMAIN -> {
        if (!TrustDomain.parse(value).equals(trustDomain)) {
          throw new IllegalArgumentException(
              "subject.value is '" + value + "': expected " + trustDomain);
        }
      }
      case SERIAL, IP -> {}
    }
  }

  /** The subject that is one SPIFFE ID. */
  public static Subject of(SpiffeId id) {
    return new Subject(Kind.SPIFFE_ID, id.trustDomain(), id.toString());
  }
}
