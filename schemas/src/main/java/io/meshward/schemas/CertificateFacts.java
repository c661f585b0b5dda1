package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an event says of a peer's leaf certificate.
 *
 * @param serial the serial number in lower-case hexadecimal digits, without leading zeros
 * @param sha256 SHA-256 of the certificate, in hexadecimal
 * @param spkiSha256 SHA-256 of its SubjectPublicKeyInfo, in hexadecimal: names the key
 * @param aki the authority key identifier in hexadecimal: names the issuer's key
 * @param issuer the issuer's distinguished name (RFC 2253)
 * @param notBefore start of validity
 * @param notAfter end of validity
 * @param ttlLeftMs milliseconds from the event to {@code notAfter}; negative once expired
 */
public record CertificateFacts(
    String serial,
    String sha256,
    String spkiSha256,
    @Nullable String aki,
    String issuer,
    Instant notBefore,
    Instant notAfter,
    long ttlLeftMs) {
  public CertificateFacts {
    Require.text(serial, "cert.serial");
    Require.sha256(sha256, "cert.sha256");
    Require.sha256(spkiSha256, "cert.spki_sha256");
  }
}
