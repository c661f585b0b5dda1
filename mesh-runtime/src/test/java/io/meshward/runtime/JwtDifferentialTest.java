package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.spiffe.bundle.jwtbundle.JwtBundle;
import io.spiffe.exception.AuthorityNotFoundException;
import io.spiffe.exception.BundleNotFoundException;
import io.spiffe.exception.JwtBundleException;
import io.spiffe.exception.JwtSvidException;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Our verifier of JWT-SVIDs beside nimbus' of JWTs and java-spiffe's: over seeded combinations of
 * headers and claims they agree, but for what is written down here.
 */
class JwtDifferentialTest {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final TokenSigner SIGNER = new TokenSigner();
  private static final Map<TrustDomain, io.meshward.runtime.JwtBundle> BUNDLES =
      SIGNER.bundles(SHOP);

  /** The others judge by the machine's clock. */
  private final long now = Instant.now().getEpochSecond();

  /** Where another library may differ from us. */
  private enum Other {
    /** A JWT that is no JWT-SVID, to nimbus. */
    NIMBUS_ACCEPTS,
    NIMBUS_REFUSES,
    JAVA_SPIFFE_ACCEPTS,
    JAVA_SPIFFE_REFUSES
  }

  /** A piece of a token. */
  private record Piece(String json, boolean valid, Set<Other> differs) {}

  private static Piece good(String json, Other... differs) {
    return new Piece(json.replace('\'', '"'), true, Set.of(differs));
  }

  private static Piece bad(String json, Other... differs) {
    return new Piece(json.replace('\'', '"'), false, Set.of(differs));
  }

  /** Headers' key IDs. */
  private static List<Piece> keyIds(JwtAlgorithm algorithm) {
    Piece named = good(",'kid':'" + SIGNER.key(algorithm).getKeyID() + "'");
    // JWT-SVID 2.2: optional. Nimbus looks at no more than the first key of a kind.
    Piece unnamed =
        switch (algorithm) {
          case ES384, ES512 -> good("", Other.JAVA_SPIFFE_REFUSES, Other.NIMBUS_REFUSES);
          default -> good("", Other.JAVA_SPIFFE_REFUSES);
        };
    return List.of(named, named, unnamed, bad(",'kid':'other'"), bad(",'kid':7"));
  }

  private static final List<Piece> TYPES =
      List.of(
          good(""),
          good(",'typ':'JWT'"),
          good(",'typ':'JOSE'"),
          bad(",'typ':'at+jwt'"),
          // The very spelling is demanded (JWT-SVID 2.3), media types are case-insensitive.
          bad(",'typ':'jwt'", Other.NIMBUS_ACCEPTS));
  private static final List<Piece> EXTRAS =
      List.of(good(""), good(",'x':1"), bad(",'crit':['x'],'x':1"));
  private static final List<Piece> SUBJECTS =
      List.of(
          good("'sub':'spiffe://shop.test/a'"),
          good("'sub':'spiffe://shop.test/a/b.c-d_E'"),
          good("'sub':'SPIFFE://SHOP.test/a'"),
          bad("'sub':'spiffe://shop.test'", Other.NIMBUS_ACCEPTS, Other.JAVA_SPIFFE_ACCEPTS),
          bad("'sub':'spiffe://shop.test/a/'", Other.NIMBUS_ACCEPTS),
          bad("'sub':'spiffe://shop.test/a#'", Other.NIMBUS_ACCEPTS),
          bad("'sub':'spiffe://shop.test/a%61'", Other.NIMBUS_ACCEPTS),
          bad("'sub':'spiffe://other.test/a'", Other.NIMBUS_ACCEPTS),
          bad("'sub':'orders'", Other.NIMBUS_ACCEPTS),
          bad("'x':1", Other.NIMBUS_ACCEPTS));
  private static final List<Piece> AUDIENCES =
      List.of(
          good(",'aud':'payment'"),
          good(",'aud':['payment']"),
          good(",'aud':['x','payment']"),
          bad(",'aud':'other'"),
          bad(",'aud':[]"),
          bad(""));
  private final List<Piece> expiries =
      List.of(
          good(",'exp':" + (now + 3_600)),
          good(",'exp':" + (now + 3_600) + ".25"),
          bad(",'exp':" + (now - 3_600)),
          bad(",'exp':'" + (now + 3_600) + "'"),
          bad(""));
  private final List<Piece> notBefores =
      List.of(
          good(""),
          good(",'nbf':" + (now - 60)),
          // RFC 7519 4.1.5.
          bad(",'nbf':" + (now + 3_600), Other.JAVA_SPIFFE_ACCEPTS));

  @Test
  void agreesWithOthersButWhereTheStandardSaysOtherwise() {
    int accepted = 0;
    Set<JwtAlgorithm> algorithms = EnumSet.noneOf(JwtAlgorithm.class);
    for (long seed = 0; seed < 4_000; seed++) {
      Random random = Seeded.random(seed);
      // Signatures with RSA take their time.
      JwtAlgorithm algorithm =
          seed % 4 == 0 ? Seeded.one(List.of(JwtAlgorithm.values()), random) : JwtAlgorithm.ES256;
      Piece keyId = piece(keyIds(algorithm), random);
      Piece type = piece(TYPES, random);
      Piece extra = piece(EXTRAS, random);
      Piece subject = piece(SUBJECTS, random);
      Piece audience = piece(AUDIENCES, random);
      Piece expiry = piece(expiries, random);
      Piece notBefore = piece(notBefores, random);
      List<Piece> pieces = List.of(keyId, type, extra, subject, audience, expiry, notBefore);
      String header =
          "{\"alg\":\"" + algorithm + "\"" + keyId.json() + type.json() + extra.json() + "}";
      String claims =
          "{" + subject.json() + audience.json() + expiry.json() + notBefore.json() + "}";
      String token = SIGNER.sign(algorithm, header, claims);
      String what = "seed " + seed + ": " + header + " " + claims;

      boolean valid = pieces.stream().allMatch(Piece::valid);
      accepted += valid ? 1 : 0;
      if (valid) {
        algorithms.add(algorithm);
      }
      assertThat(accepts(token)).as(what).isEqualTo(valid);
      check(what, nimbusAccepts(token), pieces, Other.NIMBUS_ACCEPTS, Other.NIMBUS_REFUSES);
      check(
          what,
          javaSpiffeAccepts(token),
          pieces,
          Other.JAVA_SPIFFE_ACCEPTS,
          Other.JAVA_SPIFFE_REFUSES);
    }
    assertThat(accepted).isBetween(400, 3_600);
    assertThat(algorithms).containsExactlyInAnyOrder(JwtAlgorithm.values());
  }

  /** Good pieces are taken more often, so that many tokens have a single fault or none. */
  private static Piece piece(List<Piece> of, Random random) {
    Piece one = Seeded.one(of, random);
    return one.valid() || random.nextInt(3) == 0 ? one : of.get(0);
  }

  /** Each bad piece is refused by the other too, unless it is known not to be. */
  private static void check(
      String what, boolean accepts, List<Piece> pieces, Other accepting, Other refusing) {
    boolean refused =
        pieces.stream().anyMatch(piece -> piece.differs().contains(refusing))
            || pieces.stream()
                .anyMatch(piece -> !piece.valid() && !piece.differs().contains(accepting));
    assertThat(accepts).as("%s by %s", what, accepting).isEqualTo(!refused);
  }

  private boolean accepts(String token) {
    try {
      SpiffeId unused =
          JwtSvidVerifier.verify(
                  token, "payment", BUNDLES, Instant.ofEpochSecond(now), Duration.ZERO)
              .id();
      return true;
    } catch (JwtSvidRejectedException e) {
      return false;
    }
  }

  private static final DefaultJWTProcessor<SecurityContext> NIMBUS = nimbus();
  private static final JwtBundle JAVA_SPIFFE = javaSpiffe();

  private static DefaultJWTProcessor<SecurityContext> nimbus() {
    DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT, JOSEObjectType.JOSE, null));
    try {
      processor.setJWSKeySelector(
          new JWSVerificationKeySelector<>(
              EnumSet.allOf(JwtAlgorithm.class).stream()
                  .map(algorithm -> JWSAlgorithm.parse(algorithm.name()))
                  .collect(Collectors.toSet()),
              new ImmutableJWKSet<>(JWKSet.parse(SIGNER.jwks()))));
    } catch (ParseException e) {
      throw new IllegalStateException(e);
    }
    DefaultJWTClaimsVerifier<SecurityContext> claims =
        new DefaultJWTClaimsVerifier<>(
            "payment", new JWTClaimsSet.Builder().build(), Set.of("exp"));
    claims.setMaxClockSkew(0);
    processor.setJWTClaimsSetVerifier(claims);
    return processor;
  }

  private static JwtBundle javaSpiffe() {
    try {
      return JwtBundle.parse(
          io.spiffe.spiffeid.TrustDomain.parse(SHOP.name()),
          SIGNER.jwks().getBytes(StandardCharsets.UTF_8));
    } catch (JwtBundleException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean nimbusAccepts(String token) {
    try {
      JWTClaimsSet unused = NIMBUS.process(token, null);
      return true;
    } catch (ParseException | BadJOSEException | JOSEException e) {
      return false;
    }
  }

  private static boolean javaSpiffeAccepts(String token) {
    try {
      io.spiffe.svid.jwtsvid.JwtSvid unused =
          io.spiffe.svid.jwtsvid.JwtSvid.parseAndValidate(token, JAVA_SPIFFE, Set.of("payment"));
      return true;
    } catch (JwtSvidException
        | BundleNotFoundException
        | AuthorityNotFoundException
        | RuntimeException e) {
      return false;
    }
  }
}
