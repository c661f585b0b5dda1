package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;

/**
 * Private keys that are proved to belong to the certificate they came with. Of RSA or an elliptic
 * curve only: peers with BoringSSL take no certificate with an Ed25519 key, and JWT-SVIDs, by whose
 * algorithms events and delegations are signed, have none for it (JWT-SVID 2.1).
 */
final class PossessedKey {
  private static final byte[] CHALLENGE = "meshward key possession".getBytes(US_ASCII);

  private PossessedKey() {}

  /**
   * Reads a key and proves that it signs for a certificate.
   *
   * @param pkcs8 the key in DER
   * @param what names the SVID in messages
   * @throws BadResponseException if it cannot be read, or is another certificate's; never quoting
   *     any of it
   */
  static PrivateKey read(byte[] pkcs8, PublicKey certified, String what)
      throws BadResponseException {
    String algorithm = certified.getAlgorithm();
    String signature =
        switch (algorithm) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default ->
              throw new BadResponseException(
                  what + " has a key of algorithm " + algorithm + ": expected EC or RSA");
        };
    try {
      PrivateKey key =
          KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      Signature signer = Signature.getInstance(signature);
      signer.initSign(key);
      signer.update(CHALLENGE);
      byte[] signed = signer.sign();
      signer.initVerify(certified);
      signer.update(CHALLENGE);
      if (!signer.verify(signed)) {
        throw new BadResponseException(what + " has a private key of another certificate");
      }
      return key;
    } catch (GeneralSecurityException e) {
      // The cause may quote the key's encoding: name its kind only.
      throw new BadResponseException(
          what + " has an unusable private key: " + e.getClass().getSimpleName());
    }
  }
}
