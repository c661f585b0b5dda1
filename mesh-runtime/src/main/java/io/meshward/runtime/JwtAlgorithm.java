package io.meshward.runtime;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import org.jspecify.annotations.Nullable;

/** The signature algorithms of JWT-SVIDs, these nine and no others (JWT-SVID 2.1). */
enum JwtAlgorithm {
  RS256("SHA256withRSA", 256, 0),
  RS384("SHA384withRSA", 384, 0),
  RS512("SHA512withRSA", 512, 0),
  ES256("SHA256withECDSAinP1363Format", 256, 256),
  ES384("SHA384withECDSAinP1363Format", 384, 384),
  ES512("SHA512withECDSAinP1363Format", 512, 521),
  PS256(JwtAlgorithm.PSS, 256, 0),
  PS384(JwtAlgorithm.PSS, 384, 0),
  PS512(JwtAlgorithm.PSS, 512, 0);

  private static final String PSS = "RSASSA-PSS";

  private final String signature;
  private final int hashBits;

  /** The field size of the only curve that fits; 0 for RSA. */
  private final int curveBits;

  JwtAlgorithm(String signature, int hashBits, int curveBits) {
    this.signature = signature;
    this.hashBits = hashBits;
    this.curveBits = curveBits;
  }

  /** The algorithm of this name, in this very spelling; none if JWT-SVIDs do not have it. */
  static @Nullable JwtAlgorithm of(String name) {
    for (JwtAlgorithm algorithm : values()) {
      if (algorithm.name().equals(name)) {
        return algorithm;
      }
    }
    return null;
  }

  /**
   * The algorithm that a key of this kind signs with here.
   *
   * @throws IllegalArgumentException if there is none
   */
  static JwtAlgorithm forKey(PublicKey key) {
    for (JwtAlgorithm algorithm : values()) {
      if (algorithm.fits(key)) {
        return algorithm;
      }
    }
    throw new IllegalArgumentException(
        "a key of the kind " + key.getAlgorithm() + " signs no token: expected RSA or EC");
  }

  /**
   * Signs bytes.
   *
   * @throws IllegalStateException if the key does not fit
   */
  byte[] sign(PrivateKey key, byte[] bytes) {
    try {
      Signature signer = Signature.getInstance(signature);
      if (signature.equals(PSS)) {
        signer.setParameter(pss());
      }
      signer.initSign(key);
      signer.update(bytes);
      return signer.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the key of the SVID cannot sign by " + this, e);
    }
  }

  /** Whether a key is of the kind that this algorithm signs with (RFC 7518 3.1). */
  boolean fits(PublicKey key) {
    return switch (key) {
      case RSAPublicKey rsa -> curveBits == 0;
      case ECPublicKey ec -> curveBits == ec.getParams().getCurve().getField().getFieldSize();
      default -> false;
    };
  }

  /** Whether a signature of some bytes was made with the other half of this key. */
  boolean verifies(PublicKey key, byte[] signed, byte[] signatureBytes) {
    // R and S, each as long as the curve's field (RFC 7518 3.4).
    if (!fits(key) || (curveBits != 0 && signatureBytes.length != 2 * ((curveBits + 7) / 8))) {
      return false;
    }
    try {
      Signature verifier = Signature.getInstance(signature);
      if (signature.equals(PSS)) {
        verifier.setParameter(pss());
      }
      verifier.initVerify(key);
      verifier.update(signed);
      return verifier.verify(signatureBytes);
    } catch (GeneralSecurityException e) {
      // The JDK says so of some signatures that are merely wrong, such as those of another length.
      return false;
    }
  }

  /** A salt as long as the hash, and the hash in the mask too (RFC 7518 3.5). */
  private PSSParameterSpec pss() {
    String hash = "SHA-" + hashBits;
    return new PSSParameterSpec(
        hash, "MGF1", new MGF1ParameterSpec(hash), hashBits / 8, PSSParameterSpec.TRAILER_FIELD_BC);
  }
}
