package io.meshward.runtime;

import io.meshward.schemas.CertificateFacts;
import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads X.509 certificates: DER, the names in them, and what events say of them. */
final class Certificates {
  private static final String SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
  private static final String AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
  private static final int URI_NAME = 6;
  private static final int OCTET_STRING = 0x04;
  private static final int SEQUENCE = 0x30;
  private static final int KEY_IDENTIFIER = 0x80;

  private Certificates() {}

  /**
   * Reads concatenated DER certificates.
   *
   * @throws CertificateException if the bytes are anything else
   */
  static List<X509Certificate> parseDer(byte[] der) throws CertificateException {
    // Given all at once, the factory would read PEM too, and pass over what follows a certificate.
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> parsed = new ArrayList<>();
    for (int start = 0; start < der.length || parsed.isEmpty(); ) {
      int end = end(der, start, SEQUENCE);
      if (end < 0) {
        throw new CertificateException("expected ASN.1 DER certificates and nothing else");
      }
      parsed.add(
          (X509Certificate)
              factory.generateCertificate(new ByteArrayInputStream(der, start, end - start)));
      start = end;
    }
    return List.copyOf(parsed);
  }

  /**
   * Reads PEM certificates, one after the other.
   *
   * @throws CertificateException if there is none, or anything else
   */
  static List<X509Certificate> parsePem(byte[] pem) throws CertificateException {
    Collection<? extends Certificate> parsed =
        CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem));
    if (parsed.isEmpty()) {
      throw new CertificateException("expected PEM certificates");
    }
    return parsed.stream().map(X509Certificate.class::cast).toList();
  }

  /**
   * The same certificates as the JDK reads them. Those that Netty hands over are read on first use,
   * and then fail without a checked exception.
   *
   * @throws CertificateException if the JDK cannot read one
   */
  static List<X509Certificate> reread(Certificate[] presented) throws CertificateException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> chain = new ArrayList<>();
    for (Certificate certificate : presented) {
      chain.add(
          (X509Certificate)
              factory.generateCertificate(new ByteArrayInputStream(certificate.getEncoded())));
    }
    return List.copyOf(chain);
  }

  /** The texts of all URI subject alternative names. */
  static List<String> uriNames(X509Certificate certificate) throws CertificateParsingException {
    Collection<List<?>> names = certificate.getSubjectAlternativeNames();
    return names == null
        ? List.of()
        : names.stream()
            .filter(name -> Integer.valueOf(URI_NAME).equals(name.get(0)))
            .map(name -> (String) name.get(1))
            .toList();
  }

  /**
   * Whether one certificate signed another. Authorities may share a name, as after a rotation: the
   * signature tells them apart.
   */
  static boolean issued(X509Certificate candidate, X509Certificate certificate) {
    return candidate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal())
        && isSignedBy(certificate, candidate);
  }

  /** Whether the key of another certificate signed this one, whatever the names. */
  static boolean isSignedBy(X509Certificate certificate, X509Certificate signer) {
    try {
      certificate.verify(signer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** What events say of a leaf. */
  static CertificateFacts facts(X509Certificate leaf, Instant now) {
    Instant notAfter = leaf.getNotAfter().toInstant();
    return new CertificateFacts(
        serial(leaf),
        sha256Hex(encoded(leaf)),
        keyHash(leaf),
        authorityKeyIdentifier(leaf),
        leaf.getIssuerX500Principal().getName(),
        leaf.getNotBefore().toInstant(),
        notAfter,
        Duration.between(now, notAfter).toMillis());
  }

  /** The serial number in lower-case hexadecimal, without leading zeros. */
  static String serial(X509Certificate certificate) {
    return certificate.getSerialNumber().toString(16);
  }

  /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
  static String keyHash(X509Certificate certificate) {
    return sha256Hex(certificate.getPublicKey().getEncoded());
  }

  /** The authority key identifier in hexadecimal, if there is one. */
  static @Nullable String authorityKeyIdentifier(X509Certificate certificate) {
    byte[] extension = certificate.getExtensionValue(AUTHORITY_KEY_IDENTIFIER);
    if (extension == null) {
      return null;
    }
    byte[] sequence = value(unwrapOctetString(extension), SEQUENCE);
    byte[] identifier = sequence == null ? null : value(sequence, KEY_IDENTIFIER);
    return identifier == null ? null : HexFormat.of().formatHex(identifier);
  }

  /** The subject key identifier in hexadecimal, if there is one. */
  static @Nullable String subjectKeyIdentifier(X509Certificate certificate) {
    byte[] extension = certificate.getExtensionValue(SUBJECT_KEY_IDENTIFIER);
    byte[] identifier =
        extension == null ? null : value(unwrapOctetString(extension), OCTET_STRING);
    return identifier == null ? null : HexFormat.of().formatHex(identifier);
  }

  static byte[] unwrapOctetString(byte[] der) {
    byte[] content = value(der, OCTET_STRING);
    return content == null ? new byte[0] : content;
  }

  /** SHA-256, in hexadecimal. */
  static String sha256Hex(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  private static byte[] encoded(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IllegalArgumentException("a parsed certificate has no encoding", e);
    }
  }

  /** The content of the DER element at the start, if it has that tag and is whole. */
  static byte @Nullable [] value(byte[] der, int tag) {
    int end = end(der, 0, tag);
    return end < 0 ? null : Arrays.copyOfRange(der, contentStart(der, 0), end);
  }

  /**
   * Where the DER element ends that starts there; negative if it has another tag or is not whole.
   */
  static int end(byte[] der, int start, int tag) {
    if (der.length - start < 2 || (der[start] & 0xff) != tag) {
      return -1;
    }
    int length = der[start + 1] & 0xff;
    int content = contentStart(der, start);
    if (length >= 0x80) {
      int digits = length & 0x7f;
      if (digits == 0 || digits > 3 || der.length < content) {
        return -1;
      }
      length = 0;
      for (int i = start + 2; i < content; i++) {
        length = (length << 8) | (der[i] & 0xff);
      }
    }
    return der.length - content < length ? -1 : content + length;
  }

  private static int contentStart(byte[] der, int start) {
    int length = der[start + 1] & 0xff;
    return start + 2 + (length < 0x80 ? 0 : length & 0x7f);
  }
}
