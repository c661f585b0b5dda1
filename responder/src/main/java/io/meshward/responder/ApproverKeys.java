package io.meshward.responder;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.OctetKeyPair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The public keys of those whose word counts: Ed25519 (JWS {@code EdDSA}) or P-256 ({@code ES256}).
 * Immutable.
 */
final class ApproverKeys {
  private final Map<String, JWK> keys;

  private ApproverKeys(Map<String, JWK> keys) {
    this.keys = Map.copyOf(keys);
  }

  /**
   * Reads the files of a configuration.
   *
   * @throws IllegalArgumentException if one holds no public key of a known kind, or a private one
   */
  static ApproverKeys load(Map<String, Path> files) {
    Map<String, JWK> keys = new TreeMap<>();
    files.forEach((id, file) -> keys.put(id, read(id, file)));
    return new ApproverKeys(keys);
  }

  private static JWK read(String id, Path file) {
    JWK key;
    try {
      key = JWK.parse(Files.readString(file));
    } catch (IOException | ParseException e) {
      throw new IllegalArgumentException(
          "approvers."
              + id
              + ": "
              + file
              + " cannot be read ("
              + e.getMessage()
              + "): expected a public key as JWK",
          e);
    }
    if (key.isPrivate()) {
      throw new IllegalArgumentException(
          "approvers." + id + ": " + file + " holds a private key: expected a public one");
    }
    boolean usable =
        switch (key) {
          case OctetKeyPair pair -> pair.getCurve().equals(Curve.Ed25519);
          case ECKey ec -> ec.getCurve().equals(Curve.P_256);
          default -> false;
        };
    if (!usable) {
      throw new IllegalArgumentException(
          "approvers." + id + ": " + file + ": expected a key of Ed25519 or P-256");
    }
    return key;
  }

  boolean isEmpty() {
    return keys.isEmpty();
  }

  /** Why a signature does not count; empty if it does. */
  Optional<String> objection(JWSObject signed, String keyId) {
    JWK key = keys.get(keyId);
    if (key == null) {
      return Optional.of("key '" + keyId + "' is not listed under approvers");
    }
    if (!keyId.equals(signed.getHeader().getKeyID())) {
      return Optional.of(
          "it is signed with key '" + signed.getHeader().getKeyID() + "', not '" + keyId + "'");
    }
    if (signed.getHeader().getCriticalParams() != null) {
      return Optional.of("its header has critical parameters that are not known here");
    }
    JWSAlgorithm algorithm = signed.getHeader().getAlgorithm();
    boolean valid =
        switch (key) {
          case OctetKeyPair pair ->
              algorithm.equals(JWSAlgorithm.EdDSA)
                  && Ed25519.verifies(
                      pair, signed.getSigningInput(), signed.getSignature().decode());
          case ECKey ec -> algorithm.equals(JWSAlgorithm.ES256) && verifies(ec, signed);
          default -> false;
        };
    return valid ? Optional.empty() : Optional.of("its signature is not that of '" + keyId + "'");
  }

  private static boolean verifies(ECKey key, JWSObject signed) {
    try {
      return signed.verify(new ECDSAVerifier(key));
    } catch (JOSEException e) {
      return false;
    }
  }
}
