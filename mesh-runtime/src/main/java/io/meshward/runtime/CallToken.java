package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.AuthzDecision;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The verified JWT-SVID of a call. Immutable.
 *
 * @param facts what events say of it
 * @param name names it among all tokens: its subject and {@code jti} if it has one, else its hash
 */
record CallToken(JwtSvid svid, AuthzDecision.Jwt facts, String name) implements TokenClaims {
  private static final int MOST_AUDIENCES = 16;
  private static final int LONGEST = 256;

  static CallToken of(JwtSvid svid, CompactToken parsed) {
    AuthzDecision.Jwt facts = facts(svid.token(), parsed);
    String jti = text(parsed.claims().get("jti"));
    return new CallToken(svid, facts, jti == null ? facts.hash() : svid.id() + " " + jti);
  }

  /**
   * What events say of a token: its hash, and what is in it, as it claims.
   *
   * @param parsed absent if the token cannot be read
   */
  static AuthzDecision.Jwt facts(String token, @Nullable CompactToken parsed) {
    String hash = Certificates.sha256Hex(token.getBytes(UTF_8));
    if (parsed == null) {
      return new AuthzDecision.Jwt(null, List.of(), null, null, hash, null, null, null);
    }
    String jti = text(parsed.claims().get("jti"));
    return new AuthzDecision.Jwt(
        parsed.subject().toString(),
        parsed.audience().stream().limit(MOST_AUDIENCES).map(CallToken::clipped).toList(),
        parsed.keyId() == null ? null : clipped(parsed.keyId()),
        jti == null ? null : clipped(jti),
        hash,
        instant(parsed.claims().get("iat")),
        parsed.expiresAt(),
        parsed.subject().toString().equals(parsed.claims().get("sub")) ? null : true);
  }

  /** When it was issued, if it says so. */
  @Nullable Instant issuedAt() {
    return facts.iat();
  }

  @Override
  public List<String> texts(String claim) {
    return switch (svid.claims().get(claim)) {
      case null -> List.of();
      case List<?> several ->
          several.stream().filter(item -> !(item instanceof Map)).map(String::valueOf).toList();
      case Map<?, ?> object -> List.of();
      case Object one -> List.of(String.valueOf(one));
    };
  }

  @Override
  public Map<String, Object> all() {
    return svid.claims();
  }

  @Override
  public String tokenHash() {
    return facts.hash();
  }

  private static @Nullable String text(@Nullable Object claim) {
    return claim instanceof String text ? text : null;
  }

  private static @Nullable Instant instant(@Nullable Object claim) {
    try {
      return claim instanceof Number seconds
          ? Instant.ofEpochSecond(new BigDecimal(seconds.toString()).longValue())
          : null;
    } catch (DateTimeException e) {
      return null;
    }
  }

  private static String clipped(String text) {
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST);
  }
}
