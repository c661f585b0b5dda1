package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class JwtSvidVerifierTest {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final SpiffeId ORDERS = SHOP.id("/ns/shop/sa/orders");
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
  private static final long SECOND = NOW.getEpochSecond();
  private static final TokenSigner SIGNER = new TokenSigner();
  private static final Map<TrustDomain, JwtBundle> BUNDLES = SIGNER.bundles(SHOP);
  private static final String HEADER = "{'alg':'ES256','kid':'p256','typ':'JWT'}";
  private static final String CLAIMS =
      "{'sub':'spiffe://shop.test/ns/shop/sa/orders','aud':['payment'],'exp':"
          + (SECOND + 60)
          + ",'role':'writer','n':12345678901234567890}";

  @ParameterizedTest
  @EnumSource
  void acceptsEachOfTheNineAlgorithmsAndNoChangedBit(JwtAlgorithm algorithm) {
    String kid = SIGNER.key(algorithm).getKeyID();
    String token =
        SIGNER.sign(
            algorithm, json("{'alg':'" + algorithm + "','kid':'" + kid + "'}"), json(CLAIMS));

    JwtSvid svid = verify(token);

    assertThat(svid.id()).isEqualTo(ORDERS);
    assertThat(svid.audience()).containsExactly("payment");
    assertThat(svid.expiresAt()).isEqualTo(NOW.plusSeconds(60));
    assertThat(svid.claims())
        .containsEntry("role", "writer")
        .containsEntry("n", new java.math.BigInteger("12345678901234567890"));
    assertThat(svid.toString()).doesNotContain(token);
    byte[] signature = Base64Url.decode(token.substring(token.lastIndexOf('.') + 1));
    signature[signature.length - 1] ^= 1;
    String changed = token.substring(0, token.lastIndexOf('.') + 1) + Base64Url.encode(signature);
    assertRefused(changed, JwtRejection.SIGNATURE);
  }

  @Test
  void needsNoKeyId() {
    assertThat(verify(token("{'alg':'ES256'}", CLAIMS)).id()).isEqualTo(ORDERS);
    assertThat(verify(SIGNER.sign(JwtAlgorithm.PS384, json("{'alg':'PS384'}"), json(CLAIMS))).id())
        .isEqualTo(ORDERS);
  }

  @Test
  void foldsOnlyAsciiInATrustDomain() {
    assertThat(
            verify(token(HEADER, CLAIMS.replace("spiffe://shop.test", "SPIFFE://Shop.TEST"))).id())
        .isEqualTo(ORDERS);
    Map<TrustDomain, JwtBundle> kilo = SIGNER.bundles(TrustDomain.parse("k.test"));
    String kelvin = token(HEADER, CLAIMS.replace("shop.test", "\u212A.test"));
    assertThatThrownBy(() -> JwtSvidVerifier.verify(kelvin, "payment", kilo, NOW, Duration.ZERO))
        .hasMessageContaining("jwt_sub");
  }

  record Refusal(String name, String header, String claims, JwtRejection expected) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Refusal header(String header, JwtRejection expected) {
    return new Refusal(header, header, CLAIMS, expected);
  }

  /** Claims of which a piece is replaced. */
  private static Refusal claims(String piece, String replacement, JwtRejection expected) {
    assertThat(CLAIMS).contains(piece);
    return new Refusal(
        piece + " → " + replacement, HEADER, CLAIMS.replace(piece, replacement), expected);
  }

  static Stream<Refusal> refusals() {
    String sub = "'sub':'spiffe://shop.test/ns/shop/sa/orders'";
    String aud = "'aud':['payment']";
    String exp = "'exp':" + (SECOND + 60);
    return Stream.of(
        header("{'kid':'p256'}", JwtRejection.ALGORITHM),
        header("{'alg':'none'}", JwtRejection.ALGORITHM),
        header("{'alg':'HS256'}", JwtRejection.ALGORITHM),
        header("{'alg':'es256'}", JwtRejection.ALGORITHM),
        header("{'alg':'ES256K'}", JwtRejection.ALGORITHM),
        header("{'alg':'EdDSA'}", JwtRejection.ALGORITHM),
        header("{'alg':['ES256']}", JwtRejection.ALGORITHM),
        header("{'alg':'RS256','kid':'p256'}", JwtRejection.UNKNOWN_KEY),
        header("{'alg':'ES384','kid':'p256'}", JwtRejection.UNKNOWN_KEY),
        header("{'alg':'ES384'}", JwtRejection.SIGNATURE),
        header("{'alg':'ES256','kid':'other'}", JwtRejection.UNKNOWN_KEY),
        header("{'alg':'ES256','kid':''}", JwtRejection.UNKNOWN_KEY),
        header("{'alg':'ES256','kid':7}", JwtRejection.KEY_ID),
        header("{'alg':'ES256','kid':null}", JwtRejection.KEY_ID),
        header("{'alg':'ES256','typ':'jwt'}", JwtRejection.TYPE),
        header("{'alg':'ES256','typ':'wit+jwt'}", JwtRejection.TYPE),
        header("{'alg':'ES256','typ':null}", JwtRejection.TYPE),
        header("{'alg':'ES256','crit':['exp']}", JwtRejection.CRITICAL_HEADER),
        header("{'alg':'ES256','crit':[]}", JwtRejection.CRITICAL_HEADER),
        header("{'alg':'ES256','b64':false,'crit':['b64']}", JwtRejection.CRITICAL_HEADER),
        header("{'alg':'ES256','alg':'ES256'}", JwtRejection.MALFORMED),
        header("{'alg':'ES256','kid':'p256','kid':'p256'}", JwtRejection.MALFORMED),
        header("[]", JwtRejection.MALFORMED),
        header("{'alg':'ES256'} {}", JwtRejection.MALFORMED),
        header("", JwtRejection.MALFORMED),
        claims(sub, "'x':1", JwtRejection.SUBJECT),
        claims(sub, "'sub':7", JwtRejection.SUBJECT),
        claims(sub, "'sub':''", JwtRejection.SUBJECT),
        claims(sub, "'sub':'orders'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/a#'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/a?'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/a//b'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/a/../b'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test:80/a'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/%61'", JwtRejection.SUBJECT),
        claims(sub, "'sub':' spiffe://shop.test/a'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://shop.test/" + "a".repeat(2048) + "'", JwtRejection.SUBJECT),
        claims(sub, "'sub':'spiffe://other.test/a'", JwtRejection.UNKNOWN_TRUST_DOMAIN),
        claims(sub, sub + "," + sub, JwtRejection.MALFORMED),
        claims(aud, "'x':1", JwtRejection.AUDIENCE),
        claims(aud, "'aud':[]", JwtRejection.AUDIENCE),
        claims(aud, "'aud':''", JwtRejection.AUDIENCE),
        claims(aud, "'aud':'pay'", JwtRejection.AUDIENCE),
        claims(aud, "'aud':'Payment'", JwtRejection.AUDIENCE),
        claims(aud, "'aud':['payment',7]", JwtRejection.AUDIENCE),
        claims(aud, "'aud':{'a':'payment'}", JwtRejection.AUDIENCE),
        claims(aud, "'aud':null", JwtRejection.AUDIENCE),
        claims(exp, "'x':1", JwtRejection.EXPIRY),
        claims(exp, "'exp':'" + (SECOND + 60) + "'", JwtRejection.EXPIRY),
        claims(exp, "'exp':null", JwtRejection.EXPIRY),
        claims(exp, "'exp':1e400", JwtRejection.EXPIRY),
        claims(exp, "'exp':-1", JwtRejection.EXPIRY),
        claims(exp, "'exp':0", JwtRejection.EXPIRED),
        claims(exp, "'exp':" + SECOND, JwtRejection.EXPIRED),
        claims(exp, exp + ",'nbf':" + (SECOND + 1), JwtRejection.NOT_YET_VALID),
        claims(exp, exp + ",'nbf':'now'", JwtRejection.NOT_BEFORE),
        claims(exp, exp + ",'iat':'now'", JwtRejection.ISSUED_AT));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refuses(Refusal refusal) {
    assertRefused(token(refusal.header(), refusal.claims()), refusal.expected());
  }

  @Test
  void takesWhatMayBeThere() {
    for (String header :
        List.of(
            "{'alg':'ES256','typ':'JOSE'}",
            // A rule for issuers; an unknown header that is not critical is ignored (RFC 7515 4).
            "{'alg':'ES256','x':1}")) {
      assertThat(verify(token(header, CLAIMS)).id()).isEqualTo(ORDERS);
    }
    for (String claims :
        List.of(
            CLAIMS.replace("['payment']", "'payment'"),
            CLAIMS.replace("['payment']", "['other','payment']"),
            CLAIMS.replace("'exp':" + (SECOND + 60), "'exp':" + SECOND + ".5"),
            CLAIMS.replace("}", ",'nbf':" + SECOND + ",'iat':" + SECOND + ",'x':null}"))) {
      assertThat(verify(token(HEADER, claims)).id()).isEqualTo(ORDERS);
    }
  }

  @Test
  void judgesTimesWithTheStatedLeewayAndNoMore() {
    String late = token(HEADER, CLAIMS.replace("" + (SECOND + 60), "" + (SECOND - 5)));
    String early = token(HEADER, CLAIMS.replace("}", ",'nbf':" + (SECOND + 5) + "}"));

    assertThat(verify(late, Duration.ofSeconds(6)).id()).isEqualTo(ORDERS);
    assertRefused(late, JwtRejection.EXPIRED, Duration.ofSeconds(5));
    assertThat(verify(early, Duration.ofSeconds(5)).id()).isEqualTo(ORDERS);
    assertRefused(early, JwtRejection.NOT_YET_VALID, Duration.ofSeconds(4));
  }

  @Test
  void refusesAKeyOfAnotherTrustDomain() {
    TrustDomain other = TrustDomain.parse("other.test");
    Map<TrustDomain, JwtBundle> both =
        Map.of(
            SHOP,
            new JwtBundle(SHOP, List.of()),
            other,
            requireNonNull(SIGNER.bundles(other).get(other)));

    assertThatThrownBy(
            () ->
                JwtSvidVerifier.verify(token(HEADER, CLAIMS), "payment", both, NOW, Duration.ZERO))
        .hasMessageContaining("jwt_unknown_key");
  }

  @Test
  void refusesAnAuthorityThatSignsWithAnotherAlgorithm() {
    List<JwtAuthority> bound =
        BUNDLES.values().stream()
            .flatMap(bundle -> bundle.authorities().stream())
            .map(authority -> new JwtAuthority(authority.keyId(), authority.key(), "RS256"))
            .toList();
    Map<TrustDomain, JwtBundle> bundles = Map.of(SHOP, new JwtBundle(SHOP, bound));
    String rs256 = SIGNER.sign(JwtAlgorithm.RS256, json("{'alg':'RS256'}"), json(CLAIMS));
    String rs512 = SIGNER.sign(JwtAlgorithm.RS512, json("{'alg':'RS512'}"), json(CLAIMS));

    assertThat(JwtSvidVerifier.verify(rs256, "payment", bundles, NOW, Duration.ZERO).id())
        .isEqualTo(ORDERS);
    assertThatThrownBy(() -> JwtSvidVerifier.verify(rs512, "payment", bundles, NOW, Duration.ZERO))
        .hasMessageContaining("jwt_unknown_key");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          a blank at the start  | " H.C.S"
          a blank at the end    | "H.C.S "
          a blank inside        | "H. C.S"
          two parts             | "H.C"
          four parts            | "H.C.S."
          no signature          | "H.C."
          nothing               | ""
          dots only             | ".."
          padded header         | "H=.C.S"
          padded claims         | "H.C=.S"
          JSON serialization    | "{'payload':'C','protected':'H','signature':'S'}"
          bearer                | "Bearer H.C.S"
          """)
  void refusesOtherForms(String name, String form) {
    String[] parts = token(HEADER, CLAIMS).split("\\.", -1);
    String text = form.replace("H", parts[0]).replace("C", parts[1]).replace("S", parts[2]);

    assertThatThrownBy(() -> verify(text))
        .as(name)
        .isInstanceOf(JwtSvidRejectedException.class)
        .hasMessageMatching("jwt_(malformed|signature): .*");
  }

  @Test
  void refusesEachOtherSpellingOfTheSameBytes() {
    String[] parts = token(HEADER, CLAIMS).split("\\.", -1);
    for (int part = 0; part < 3; part++) {
      for (String blank : List.of("\n", "\r\n", " ", "\t")) {
        String[] broken = parts.clone();
        broken[part] = parts[part].substring(0, 4) + blank + parts[part].substring(4);
        assertRefused(String.join(".", broken), JwtRejection.MALFORMED);
      }
    }
    // Bytes with 62 and 63 in base64: signed as they stand, so that only the alphabet is wrong.
    String claims = TokenSigner.encode(json(CLAIMS.replace("writer", "\u00ff\u00fe~~??>>")));
    assertThat(claims).containsAnyOf("-", "_");
    assertRefused(
        SIGNER.signParts(
            JwtAlgorithm.ES256,
            TokenSigner.encode(json(HEADER)),
            claims.replace('-', '+').replace('_', '/')),
        JwtRejection.MALFORMED);
    // 43 characters hold 258 bits, of which two mean nothing.
    String signature = parts[2];
    assertThat(signature).hasSize(86);
    String unused = signature.substring(0, 85) + (char) (signature.charAt(85) + 1);
    assertRefused(parts[0] + "." + parts[1] + "." + unused, JwtRejection.MALFORMED);
  }

  @Test
  void refusesOtherEncodingsThanUtf8() {
    String utf16 = Base64Url.encode(json(HEADER).getBytes(UTF_16LE));
    byte[] latin = json(CLAIMS.replace("writer", "x")).getBytes(UTF_8);
    latin[new String(latin, UTF_8).indexOf("\"x\"") + 1] = (byte) 0xe9;

    assertRefused(
        SIGNER.signParts(JwtAlgorithm.ES256, utf16, TokenSigner.encode(json(CLAIMS))),
        JwtRejection.MALFORMED);
    assertRefused(
        SIGNER.signParts(
            JwtAlgorithm.ES256, TokenSigner.encode(json(HEADER)), Base64Url.encode(latin)),
        JwtRejection.MALFORMED);
  }

  @Test
  void refusesWhatIsTooLongBeforeItIsRead() {
    assertRefused("a".repeat(CompactToken.MAX_CHARACTERS + 1), JwtRejection.TOO_LONG);
  }

  @Test
  void needsAnAudienceToJudgeBy() {
    assertThatThrownBy(
            () -> JwtSvidVerifier.verify(token(HEADER, CLAIMS), "", BUNDLES, NOW, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static String token(String header, String claims) {
    return SIGNER.sign(JwtAlgorithm.ES256, json(header), json(claims));
  }

  private static String json(String quoted) {
    return quoted.replace('\'', '"');
  }

  private static JwtSvid verify(String token) {
    return verify(token, Duration.ZERO);
  }

  private static JwtSvid verify(String token, Duration leeway) {
    return JwtSvidVerifier.verify(token, "payment", BUNDLES, NOW, leeway);
  }

  private static void assertRefused(String token, JwtRejection expected) {
    assertRefused(token, expected, Duration.ZERO);
  }

  private static void assertRefused(String token, JwtRejection expected, Duration leeway) {
    JwtSvidRejectedException refusal =
        catchThrowableOfType(JwtSvidRejectedException.class, () -> verify(token, leeway));
    assertThat(refusal).as("refused").isNotNull();
    assertThat(refusal.rejection()).isEqualTo(expected);
    assertThat(refusal.code()).isEqualTo(expected.code());
  }
}
