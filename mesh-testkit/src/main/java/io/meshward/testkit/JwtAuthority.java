package io.meshward.testkit;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** A key that signs JWT-SVIDs with ES256. Immutable. */
final class JwtAuthority {

  private final ECKey key;

  private JwtAuthority(ECKey key) {
    this.key = key;
  }

  static JwtAuthority create() {
    try {
      return new JwtAuthority(
          new ECKeyGenerator(Curve.P_256).keyID(UUID.randomUUID().toString()).generate());
    } catch (JOSEException e) {
      throw new IllegalStateException("P-256 is missing", e);
    }
  }

  ECKey publicKey() {
    return key.toPublicJWK();
  }

  String issue(SpiffeId id, Set<String> audience, Instant now, Duration timeToLive) {
    var claims =
        new JWTClaimsSet.Builder()
            .subject(id.toString())
            .audience(List.copyOf(audience))
            .issueTime(Date.from(now))
            .expirationTime(Date.from(now.plus(timeToLive)))
            .build();
    var header =
        new JWSHeader.Builder(JWSAlgorithm.ES256)
            .keyID(key.getKeyID())
            .type(JOSEObjectType.JWT)
            .build();
    Map<String, Object> payload = claims.toJSONObject();
    // A list also of one, as SPIRE writes it.
    payload.put("aud", claims.getAudience());
    return sign(header, new Payload(payload));
  }

  /** Signs any header and payload, for tokens that are wrong in a way of the caller's. */
  String sign(JWSHeader header, Payload payload) {
    var token = new JWSObject(header, payload);
    try {
      token.sign(new ECDSASigner(key));
      return token.serialize();
    } catch (JOSEException e) {
      throw new IllegalStateException("cannot sign a JWT-SVID", e);
    }
  }
}
