package io.meshward.testkit;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.text.ParseException;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import java.util.Set;

/** Validates JWT-SVIDs (JWT-SVID 2 to 4) that were signed by test trust domains. */
final class JwtSvidValidator {

  private static final Set<JOSEObjectType> TYPES = Set.of(JOSEObjectType.JWT, JOSEObjectType.JOSE);

  private final Map<TrustDomain, TestTrustDomain> trustDomains;
  private final Instant now;

  JwtSvidValidator(Map<TrustDomain, TestTrustDomain> trustDomains, Instant now) {
    this.trustDomains = trustDomains;
    this.now = now;
  }

  /** A JWT-SVID that holds. */
  record Valid(SpiffeId id, Map<String, Object> claims) {}

  /** Why a JWT-SVID does not hold. */
  static final class InvalidException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidException(String reason) {
      super(reason);
    }
  }

  Valid validate(String token, String audience) throws InvalidException {
    try {
      SignedJWT parsed = SignedJWT.parse(token);
      checkHeader(parsed.getHeader());
      JWTClaimsSet claims = parsed.getJWTClaimsSet();
      if (claims.getSubject() == null) {
        throw new InvalidException("token has no sub claim");
      }
      SpiffeId id = SpiffeId.parse(claims.getSubject());
      checkSignature(parsed, id.trustDomain());
      checkTime(claims);
      if (!claims.getAudience().contains(audience)) {
        throw new InvalidException(
            "expected audience " + audience + ", token has " + claims.getAudience());
      }
      return new Valid(id, parsed.getPayload().toJSONObject());
    } catch (ParseException | InvalidSpiffeIdException e) {
      throw new InvalidException("token is malformed: " + e.getMessage());
    }
  }

  private static void checkHeader(JWSHeader header) throws InvalidException {
    if (!header.getAlgorithm().equals(JWSAlgorithm.ES256)) {
      throw new InvalidException("token is signed with " + header.getAlgorithm());
    }
    if (header.getType() != null && !TYPES.contains(header.getType())) {
      throw new InvalidException("token has type " + header.getType());
    }
    if (header.getCriticalParams() != null) {
      throw new InvalidException("token has critical headers " + header.getCriticalParams());
    }
  }

  private void checkSignature(SignedJWT token, TrustDomain issuer) throws InvalidException {
    TestTrustDomain trustDomain = trustDomains.get(issuer);
    if (trustDomain == null) {
      throw new InvalidException("no JWT bundle of trust domain " + issuer);
    }
    try {
      String keyId = token.getHeader().getKeyID();
      for (JWK key : JWKSet.parse(trustDomain.jwtBundle()).getKeys()) {
        if ((keyId == null || keyId.equals(key.getKeyID()))
            && key instanceof ECKey ellipticCurveKey
            && token.verify(new ECDSAVerifier(ellipticCurveKey))) {
          return;
        }
      }
    } catch (ParseException | JOSEException e) {
      throw new IllegalStateException("cannot verify with the JWT bundle of " + issuer, e);
    }
    throw new InvalidException("no key of trust domain " + issuer + " verifies the token");
  }

  private void checkTime(JWTClaimsSet claims) throws InvalidException {
    Date expiration = claims.getExpirationTime();
    if (expiration == null) {
      throw new InvalidException("token has no exp claim");
    }
    if (!expiration.toInstant().isAfter(now)) {
      throw new InvalidException("token has expired");
    }
    Date notBefore = claims.getNotBeforeTime();
    if (notBefore != null && notBefore.toInstant().isAfter(now)) {
      throw new InvalidException("token is not valid yet");
    }
  }
}
