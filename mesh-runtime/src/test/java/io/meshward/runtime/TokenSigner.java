package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import io.meshward.schemas.TrustDomain;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Signs whatever text is given as header and claims, with one key for each algorithm. */
final class TokenSigner {
  private final Map<JwtAlgorithm, JWK> keys = new EnumMap<>(JwtAlgorithm.class);

  TokenSigner() {
    try {
      JWK rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
      for (JwtAlgorithm algorithm : JwtAlgorithm.values()) {
        keys.put(
            algorithm,
            switch (algorithm) {
              case RS256, RS384, RS512, PS256, PS384, PS512 -> rsa;
              case ES256 -> new ECKeyGenerator(Curve.P_256).keyID("p256").generate();
              case ES384 -> new ECKeyGenerator(Curve.P_384).keyID("p384").generate();
              case ES512 -> new ECKeyGenerator(Curve.P_521).keyID("p521").generate();
            });
      }
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  JWK key(JwtAlgorithm algorithm) {
    JWK key = keys.get(algorithm);
    if (key == null) {
      throw new IllegalStateException("every algorithm has a key");
    }
    return key;
  }

  /**
   * The public keys as a JWK set without {@code use}, as SPIRE serves it; by algorithm, since
   * nimbus gives up at a key whose curve does not fit before it comes to one that does.
   */
  String jwks() {
    return new JWKSet(List.copyOf(new LinkedHashSet<>(keys.values()))).toString(true);
  }

  Map<TrustDomain, JwtBundle> bundles(TrustDomain trustDomain) {
    try {
      JsonWebKeys read = JsonWebKeys.read(JsonWebKeys.document(jwks().getBytes(UTF_8)), true);
      return Map.of(trustDomain, new JwtBundle(trustDomain, read.jwt()));
    } catch (MalformedBundleException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A token of these very texts. */
  String sign(JwtAlgorithm algorithm, String header, String claims) {
    return signParts(algorithm, encode(header), encode(claims));
  }

  /** A token of these very parts. */
  String signParts(JwtAlgorithm algorithm, String header, String claims) {
    String signed = header + "." + claims;
    try {
      Base64URL signature =
          signer(algorithm)
              .sign(new JWSHeader(JWSAlgorithm.parse(algorithm.name())), signed.getBytes(UTF_8));
      return signed + "." + signature;
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  static String encode(String text) {
    return Base64Url.encode(text.getBytes(UTF_8));
  }

  private JWSSigner signer(JwtAlgorithm algorithm) throws JOSEException {
    return switch (key(algorithm)) {
      case ECKey ec -> new ECDSASigner(ec);
      case RSAKey rsa -> new RSASSASigner(rsa);
      default -> throw new IllegalStateException("another kind of key");
    };
  }
}
