package io.meshward.daemon;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Key material from PEM files (RFC 7468). */
final class PemFiles {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
  private static final List<String> ALGORITHMS = List.of("EC", "RSA", "EdDSA");
  private static final long MAX_BYTES = 1024 * 1024;

  private static final byte[] PROBE = {1, 2, 3};

  private PemFiles() {}

  /**
   * A key store with one key and its chain.
   *
   * @throws IllegalStateException naming the file that cannot be used, never its content
   */
  static KeyStore keyStore(Path chainFile, Path keyFile, char[] password) {
    Certificate[] chain = certificates(chainFile).toArray(Certificate[]::new);
    PrivateKey key = privateKey(keyFile);
    requirePair(chain[0].getPublicKey(), key, chainFile, keyFile);
    try {
      KeyStore store = empty();
      store.setKeyEntry("key", key, password, chain);
      return store;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          keyFile + " and " + chainFile + " do not make a key store: " + e.getMessage(), e);
    }
  }

  /**
   * A key store with the authorities in a file.
   *
   * @throws IllegalStateException naming the file that cannot be used
   */
  static KeyStore trustStore(Path file) {
    Collection<? extends Certificate> authorities = certificates(file);
    try {
      KeyStore store = empty();
      int index = 0;
      for (Certificate authority : authorities) {
        store.setCertificateEntry("authority-" + index++, authority);
      }
      return store;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(file + " does not make a trust store", e);
    }
  }

  /** A key that is not the certificate's would fail only at the first handshake. */
  private static void requirePair(
      PublicKey publicKey, PrivateKey privateKey, Path chainFile, Path keyFile) {
    String algorithm =
        switch (privateKey.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> "EdDSA";
        };
    boolean pair = false;
    try {
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(privateKey);
      signer.update(PROBE);
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(publicKey);
      verifier.update(PROBE);
      pair = verifier.verify(signer.sign());
    } catch (GeneralSecurityException e) {
      // Keys of two kinds are no pair either.
    }
    if (!pair) {
      throw new IllegalStateException(
          keyFile + " is not the key of the first certificate in " + chainFile);
    }
  }

  private static KeyStore empty() throws GeneralSecurityException {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      return store;
    } catch (IOException e) {
      throw new IllegalStateException("an empty key store cannot be made", e);
    }
  }

  private static Collection<? extends Certificate> certificates(Path file) {
    try {
      Collection<? extends Certificate> certificates =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)));
      if (certificates.isEmpty()) {
        throw new IllegalStateException(file + " holds no certificate: expected PEM");
      }
      return certificates;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(file + " does not hold certificates in PEM", e);
    }
  }

  private static PrivateKey privateKey(Path file) {
    Matcher matcher = KEY.matcher(new String(read(file), US_ASCII));
    if (!matcher.find()) {
      throw new IllegalStateException(
          file + " holds no '-----BEGIN PRIVATE KEY-----': expected PKCS #8 in PEM, unencrypted");
    }
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(matcher.group(1)));
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(file + " is not base64 inside: expected PKCS #8 in PEM", e);
    }
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (InvalidKeySpecException e) {
        // Of another algorithm.
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("no " + algorithm + " in this Java runtime", e);
      }
    }
    throw new IllegalStateException(file + " holds a key of none of " + ALGORITHMS);
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IllegalStateException(file + " is larger than 1 MiB: expected PEM");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new IllegalStateException(file + " cannot be read (" + e + ")", e);
    }
  }
}
