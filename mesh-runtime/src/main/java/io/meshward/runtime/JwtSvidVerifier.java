package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Decides whether a token is a valid JWT-SVID for an audience (JWT-SVID 2 to 5, RFC 7515 5.2, RFC
 * 7519 4.1). The key comes from the bundle of the trust domain that the subject names, and from no
 * other; a key ID is optional. Pure functions; thread-safe.
 */
final class JwtSvidVerifier {
  private JwtSvidVerifier() {}

  /**
   * Judges a token.
   *
   * @param audience what the token must be meant for: the name of this side
   * @param bundles the trusted authorities of each trust domain
   * @param leeway by how much the clock of the issuer may differ from ours
   * @throws JwtSvidRejectedException naming the rule that the token breaks
   * @throws IllegalArgumentException if the audience is empty: every token would be meant for it
   */
  static JwtSvid verify(
      String token,
      String audience,
      Map<TrustDomain, JwtBundle> bundles,
      Instant now,
      Duration leeway) {
    if (audience.isEmpty()) {
      throw new IllegalArgumentException("an audience is expected, was empty");
    }
    CompactToken parsed = CompactToken.parse(token);
    JwtBundle bundle = bundles.get(parsed.subject().trustDomain());
    if (bundle == null) {
      throw new JwtSvidRejectedException(
          JwtRejection.UNKNOWN_TRUST_DOMAIN, "no bundle for " + parsed.subject().trustDomain());
    }
    List<JwtAuthority> candidates =
        bundle.candidates(parsed.keyId()).stream()
            .filter(authority -> authority.signsWith(parsed.algorithm()))
            .toList();
    if (candidates.isEmpty()) {
      throw new JwtSvidRejectedException(
          JwtRejection.UNKNOWN_KEY,
          "no authority of "
              + bundle.trustDomain()
              + " has this 'kid' and signs with "
              + parsed.algorithm());
    }
    if (candidates.stream().noneMatch(authority -> parsed.isSignedBy(authority.key()))) {
      throw new JwtSvidRejectedException(
          JwtRejection.SIGNATURE, "no authority of " + bundle.trustDomain() + " signed it");
    }
    checkTimes(parsed, now, leeway);
    if (!parsed.audience().contains(audience)) {
      throw new JwtSvidRejectedException(
          JwtRejection.AUDIENCE, "it is for " + parsed.audience() + " and not for " + audience);
    }
    return svid(parsed, token);
  }

  /**
   * Reads a token that its issuer has just handed to this workload, over the Workload API: its form
   * and its times, not its signature.
   *
   * @throws JwtSvidRejectedException naming the rule that the token breaks
   */
  static JwtSvid readOwn(String token, Instant now, Duration leeway) {
    CompactToken parsed = CompactToken.parse(token);
    checkTimes(parsed, now, leeway);
    return svid(parsed, token);
  }

  private static void checkTimes(CompactToken token, Instant now, Duration leeway) {
    BigDecimal earliest = seconds(now.minus(leeway));
    if (token.expiry().compareTo(earliest) <= 0) {
      throw new JwtSvidRejectedException(
          JwtRejection.EXPIRED, "it ended at " + token.expiresAt() + " and it is " + now);
    }
    BigDecimal notBefore = token.notBefore();
    if (notBefore != null && notBefore.compareTo(seconds(now.plus(leeway))) > 0) {
      throw new JwtSvidRejectedException(
          JwtRejection.NOT_YET_VALID, "'nbf' is " + notBefore + " and it is " + now);
    }
  }

  private static BigDecimal seconds(Instant instant) {
    return BigDecimal.valueOf(instant.getEpochSecond())
        .add(BigDecimal.valueOf(instant.getNano(), 9));
  }

  private static JwtSvid svid(CompactToken parsed, String token) {
    return new JwtSvid(
        parsed.subject(), parsed.audience(), parsed.expiresAt(), parsed.claims(), token, null);
  }
}
