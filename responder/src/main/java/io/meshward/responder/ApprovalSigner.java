package io.meshward.responder;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.util.Base64URL;
import io.meshward.schemas.Approval;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;

/**
 * Signs what a person says about a containment: a compact JWS (RFC 7515) whose payload is the
 * statement's JSON, {@code EdDSA} with an Ed25519 key or {@code ES256} with one of P-256.
 * Immutable.
 */
public final class ApprovalSigner {
  private final JWK key;

  private ApprovalSigner(JWK key) {
    this.key = key;
  }

  /**
   * A new key pair.
   *
   * @param privateJwk for its owner alone
   * @param publicJwk for the responder's {@code approvers}
   */
  public record KeyPair(String privateJwk, String publicJwk) {
    @Override
    public String toString() {
      return publicJwk;
    }
  }

  /** Makes a key pair of Ed25519 under a key id. */
  public static KeyPair generate(String keyId) {
    OctetKeyPair pair = Ed25519.generate(keyId);
    return new KeyPair(pair.toJSONString(), pair.toPublicJWK().toJSONString());
  }

  /**
   * Reads a private key.
   *
   * @throws IllegalArgumentException if it is none, or has no key id
   */
  public static ApprovalSigner load(Path privateJwk) {
    try {
      return of(Files.readString(privateJwk));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          privateJwk + " cannot be read (" + e + "): expected a private key as JWK", e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(privateJwk + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a private key.
   *
   * @throws IllegalArgumentException if it is none, or has no key id
   */
  public static ApprovalSigner of(String privateJwk) {
    JWK key;
    try {
      key = JWK.parse(privateJwk);
    } catch (ParseException e) {
      // The text is not repeated: it may be a secret.
      throw new IllegalArgumentException("not a JWK: expected a private key", e);
    }
    if (!key.isPrivate() || key.getKeyID() == null) {
      throw new IllegalArgumentException("expected a private key with a key id (kid)");
    }
    if (!(key instanceof OctetKeyPair || key instanceof ECKey)) {
      throw new IllegalArgumentException("expected a key of Ed25519 or P-256");
    }
    return new ApprovalSigner(key);
  }

  /** The key's id: the actor of what it signs. */
  public String keyId() {
    return key.getKeyID();
  }

  /**
   * Signs a statement.
   *
   * @throws IllegalArgumentException if it is somebody else's
   */
  public Approval sign(Approval.Statement statement) {
    if (!statement.actor().equals(keyId())) {
      throw new IllegalArgumentException(
          "approval.actor is '" + statement.actor() + "': expected '" + keyId() + "'");
    }
    Payload payload = new Payload(EventCodec.encodeValue(statement));
    return new Approval(
        statement,
        switch (key) {
          case OctetKeyPair pair -> ed25519(pair, payload);
          case ECKey ec -> es256(ec, payload);
          default -> throw new IllegalStateException("no key of another kind is accepted");
        });
  }

  private String ed25519(OctetKeyPair pair, Payload payload) {
    JWSObject object = new JWSObject(header(JWSAlgorithm.EdDSA), payload);
    Base64URL signature = Base64URL.encode(Ed25519.sign(pair, object.getSigningInput()));
    String input = new String(object.getSigningInput(), java.nio.charset.StandardCharsets.US_ASCII);
    return input + "." + signature;
  }

  private String es256(ECKey ec, Payload payload) {
    try {
      JWSObject object = new JWSObject(header(JWSAlgorithm.ES256), payload);
      object.sign(new ECDSASigner(ec));
      return object.serialize();
    } catch (JOSEException e) {
      throw new IllegalArgumentException("the key cannot sign: expected one of P-256", e);
    }
  }

  private JWSHeader header(JWSAlgorithm algorithm) {
    return new JWSHeader.Builder(algorithm).keyID(keyId()).build();
  }
}
