package io.meshward.responder;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Ed25519 (RFC 8032) with the JDK's own provider, between JWKs (RFC 8037) and Java's keys, whose
 * encodings are the raw key behind a fixed prefix (RFC 8410).
 */
final class Ed25519 {
  private static final String ALGORITHM = "Ed25519";
  private static final byte[] PUBLIC_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");
  private static final byte[] PRIVATE_PREFIX =
      HexFormat.of().parseHex("302e020100300506032b657004220420");

  private Ed25519() {}

  static OctetKeyPair generate(String keyId) {
    try {
      KeyPair pair = KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair();
      return new OctetKeyPair.Builder(
              Curve.Ed25519, Base64URL.encode(raw(pair.getPublic().getEncoded(), PUBLIC_PREFIX)))
          .d(Base64URL.encode(raw(pair.getPrivate().getEncoded(), PRIVATE_PREFIX)))
          .keyID(keyId)
          .build();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every supported Java runtime has Ed25519", e);
    }
  }

  static byte[] sign(OctetKeyPair key, byte[] message) {
    try {
      PrivateKey secret =
          KeyFactory.getInstance(ALGORITHM)
              .generatePrivate(new PKCS8EncodedKeySpec(joined(PRIVATE_PREFIX, key.getDecodedD())));
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initSign(secret);
      signature.update(message);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("the key cannot sign: expected an Ed25519 key", e);
    }
  }

  static boolean verifies(OctetKeyPair key, byte[] message, byte[] signed) {
    try {
      PublicKey known =
          KeyFactory.getInstance(ALGORITHM)
              .generatePublic(new X509EncodedKeySpec(joined(PUBLIC_PREFIX, key.getDecodedX())));
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initVerify(known);
      signature.update(message);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static byte[] raw(byte[] encoded, byte[] prefix) {
    return Arrays.copyOfRange(encoded, prefix.length, encoded.length);
  }

  private static byte[] joined(byte[] prefix, byte[] raw) {
    byte[] joined = Arrays.copyOf(prefix, prefix.length + raw.length);
    System.arraycopy(raw, 0, joined, prefix.length, raw.length);
    return joined;
  }
}
