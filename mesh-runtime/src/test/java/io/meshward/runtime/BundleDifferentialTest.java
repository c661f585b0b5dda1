package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import io.spiffe.bundle.jwtbundle.JwtBundle;
import io.spiffe.exception.JwtBundleException;
import io.spiffe.spiffeid.TrustDomain;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Our reader of JWT bundles beside nimbus' of JWK sets and java-spiffe's: over seeded sets of keys
 * they find the same authorities, but for what is written down here. Above all, one key that cannot
 * be used costs us no other.
 */
class BundleDifferentialTest {
  private static final TokenSigner SIGNER = new TokenSigner();
  private static final String EC = json(SIGNER.key(JwtAlgorithm.ES256));
  private static final String RSA = json(SIGNER.key(JwtAlgorithm.RS256));

  /** What a reader makes of a key. */
  private enum Read {
    TAKEN,
    LEFT_OUT,
    /** All of the document is refused. */
    REFUSED
  }

  private record Key(String json, Read ours, Read nimbus, Read javaSpiffe) {}

  private static Key good(String json) {
    return new Key(json, Read.TAKEN, Read.TAKEN, Read.TAKEN);
  }

  private static Key leftOut(String json, Read nimbus, Read javaSpiffe) {
    return new Key(json, Read.LEFT_OUT, nimbus, javaSpiffe);
  }

  private static final List<Key> KEYS =
      List.of(
          good(EC),
          good(json(SIGNER.key(JwtAlgorithm.ES384))),
          good(json(SIGNER.key(JwtAlgorithm.ES512))),
          good(RSA),
          good(with(EC, "'use':'jwt-svid'")),
          good(with(EC, "'alg':'ES256'")),
          good(with(RSA, "'key_ops':['verify']")),
          good(with(RSA, "'x-new':{'a':1}")),
          // Trust Domain and Bundle 4.2.2: for something else, or unknown.
          leftOut(with(EC, "'use':'x509-svid'"), Read.TAKEN, Read.TAKEN),
          leftOut(with(EC, "'use':'sig'"), Read.TAKEN, Read.TAKEN),
          leftOut(with(EC, "'use':null"), Read.TAKEN, Read.TAKEN),
          leftOut(with(EC, "'use':7"), Read.REFUSED, Read.REFUSED),
          // JWT-SVID 3: a key has an ID.
          leftOut(without(EC, "kid"), Read.TAKEN, Read.REFUSED),
          leftOut(EC.replace("KID", ""), Read.TAKEN, Read.REFUSED),
          leftOut(EC.replace("\"KID\"", "7"), Read.REFUSED, Read.REFUSED),
          // RFC 7518 3.3: 2048 bits at least.
          leftOut(smallRsa(), Read.TAKEN, Read.TAKEN),
          // RFC 7518 6.2.1: base64url, and nothing beside it.
          leftOut(EC.replace("\"x\":\"", "\"x\":\" "), Read.TAKEN, Read.TAKEN),
          // Not of the nine algorithms.
          leftOut(
              quoted(
                  "{'kty':'OKP','crv':'Ed25519','kid':'KID',"
                      + "'x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'}"),
              Read.TAKEN,
              Read.REFUSED),
          leftOut(quoted("{'kty':'oct','kid':'KID','k':'AAAA'}"), Read.TAKEN, Read.REFUSED),
          leftOut(quoted("{'kty':'NEW','kid':'KID'}"), Read.LEFT_OUT, Read.LEFT_OUT),
          leftOut(without(EC, "kty"), Read.REFUSED, Read.REFUSED),
          leftOut(EC.replace("P-256", "P-999"), Read.REFUSED, Read.REFUSED),
          leftOut(EC.replaceAll("\"x\":\"[^\"]{3}", "\"x\":\"AAA"), Read.REFUSED, Read.REFUSED),
          leftOut(without(EC, "x"), Read.REFUSED, Read.REFUSED),
          leftOut(without(RSA, "n"), Read.REFUSED, Read.REFUSED),
          leftOut("7", Read.REFUSED, Read.REFUSED),
          leftOut("null", Read.REFUSED, Read.REFUSED));

  @Test
  void findsTheSameAuthoritiesAsOthersButWhereTheStandardSaysOtherwise() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = Seeded.random(seed);
      List<Key> keys = new ArrayList<>();
      List<String> written = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        // Good ones are taken more often, since any bad one is all that others see.
        Key key = Seeded.one(random.nextInt(3) == 0 ? KEYS : KEYS.subList(0, 8), random);
        written.add(key.json().replace("KID", "key" + keys.size()));
        keys.add(key);
      }
      String json = "{\"keys\":[" + String.join(",", written) + "]}";
      String what = "seed " + seed + ": " + json;

      assertThat(read(json)).as(what).isEqualTo(expected(keys.stream().map(Key::ours).toList()));
      List<Read> byNimbus = keys.stream().map(Key::nimbus).toList();
      assertThat(sizeByNimbus(json))
          .as("nimbus of " + what)
          .isEqualTo(byNimbus.contains(Read.REFUSED) ? -1 : expected(byNimbus).size());
      List<Read> byJavaSpiffe = keys.stream().map(Key::javaSpiffe).toList();
      assertThat(readByJavaSpiffe(json))
          .as("java-spiffe of " + what)
          .isEqualTo(byJavaSpiffe.contains(Read.REFUSED) ? null : expected(byJavaSpiffe));
    }
  }

  /** The IDs of the keys that are taken. */
  private static List<String> expected(List<Read> keys) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      if (keys.get(i) == Read.TAKEN) {
        ids.add("key" + i);
      }
    }
    return ids;
  }

  private static List<String> read(String json) {
    try {
      return JsonWebKeys.read(JsonWebKeys.document(json.getBytes(UTF_8)), true).jwt().stream()
          .map(JwtAuthority::keyId)
          .toList();
    } catch (MalformedBundleException e) {
      throw new IllegalStateException(json, e);
    }
  }

  /** How many keys there are, some of which may have no ID; -1 if it refuses the document. */
  private static int sizeByNimbus(String json) {
    try {
      return JWKSet.parse(json).size();
    } catch (ParseException | NullPointerException e) {
      return -1;
    }
  }

  /** Nothing if it refuses the document. */
  private static @Nullable List<String> readByJavaSpiffe(String json) {
    try {
      return JwtBundle.parse(TrustDomain.parse("shop.test"), json.getBytes(UTF_8))
          .getJwtAuthorities()
          .keySet()
          .stream()
          .sorted()
          .toList();
    } catch (JwtBundleException | IllegalArgumentException | NullPointerException e) {
      return null;
    }
  }

  private static String json(JWK key) {
    return without(key.toPublicJWK().toJSONString(), "kid")
        .replaceFirst("\\{", "{\"kid\":\"KID\",");
  }

  private static String smallRsa() {
    try {
      return json(new RSAKeyGenerator(1024, true).keyID("small").generate());
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String with(String key, String more) {
    return key.replaceFirst("\\{", "{" + quoted(more) + ",");
  }

  private static String without(String key, String field) {
    return key.replaceFirst("\"" + field + "\":\"[^\"]*\",?", "").replace(",}", "}");
  }

  private static String quoted(String text) {
    return text.replace('\'', '"');
  }
}
