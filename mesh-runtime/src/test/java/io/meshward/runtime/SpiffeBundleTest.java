package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestTrustDomain;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeBundleTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");

  @Test
  void readsBothKindsOfAuthoritiesWithSequenceAndRefreshHint() throws Exception {
    SpiffeBundle bundle = parse(SHOP.spiffeBundle());

    assertThat(bundle.x509()).isEqualTo(new TrustBundle(SHOP.name(), SHOP.x509Authorities()));
    assertThat(bundle.jwt().authorities()).hasSize(1);
    assertThat(bundle.sequence()).hasValue(1);
    assertThat(bundle.refreshHint()).isEqualTo(Duration.ofSeconds(10));
    assertThat(bundle.ignored()).isEmpty();
  }

  @Test
  void refreshesEachFiveMinutesUnlessToldOtherwise() throws Exception {
    assertThat(parse("{\"keys\":[]}").refreshHint()).isEqualTo(Duration.ofMinutes(5));
    assertThat(parse("{\"keys\":[],\"spiffe_refresh_hint\":0}").refreshHint())
        .isEqualTo(Duration.ofMinutes(5));
    assertThat(parse("{\"keys\":[]}").sequence()).isEmpty();
  }

  @Test
  void anEmptyBundleTrustsNothing() throws Exception {
    SpiffeBundle bundle = parse("{\"keys\":[]}");

    assertThat(bundle.x509().authorities()).isEmpty();
    assertThat(bundle.jwt().authorities()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "{}",
        "{\"keys\":null}",
        "{\"keys\":{}}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[]} x",
        "{\"keys\":[],\"spiffe_sequence\":\"1\"}",
        "{\"keys\":[],\"spiffe_sequence\":-1}",
        "{\"keys\":[],\"spiffe_sequence\":1.5}",
        "{\"keys\":[],\"spiffe_sequence\":9223372036854775808}",
        "{\"keys\":[],\"spiffe_refresh_hint\":-1}",
        "{\"keys\":[],\"spiffe_refresh_hint\":true}"
      })
  void refusesWhatIsNoBundle(String json) {
    assertThatThrownBy(() -> parse(json)).isInstanceOf(MalformedBundleException.class);
  }

  @Test
  void leavesOutEachKeyThatCannotBeUsedAlone() throws Exception {
    List<Consumer<ObjectNode>> faults =
        List.of(
            key -> key.put("kty", "OKP").put("crv", "Ed25519"),
            key -> key.put("kty", "oct"),
            key -> key.put("kty", "xyz"),
            key -> key.remove("kty"),
            key -> key.put("crv", "secp256k1"),
            key -> key.put("crv", "P-384"),
            key -> key.put("use", "sig"),
            key -> key.put("use", ""),
            key -> key.put("use", 7),
            key -> key.putNull("use"),
            key -> key.remove("use"),
            key -> key.remove("kid"),
            key -> key.put("kid", ""),
            key -> key.put("kid", 7),
            key -> key.remove("x"),
            key -> key.put("x", "A"),
            key -> key.put("x", key.get("x").textValue() + "="),
            key -> key.put("y", key.get("x").textValue()),
            key -> key.put("use", "x509-svid"),
            key -> key.put("alg", 7));
    for (Consumer<ObjectNode> fault : faults) {
      ObjectNode document = document();
      ObjectNode changed = jwtKey(document).deepCopy();
      fault.accept(changed);
      ((ArrayNode) document.get("keys")).insert(0, changed).insert(0, "no object").insert(0, 7);

      SpiffeBundle bundle = parse(document.toString());

      assertThat(bundle.ignored()).as("%s", changed).hasSize(3);
      assertThat(bundle.jwt().authorities()).as("%s", changed).hasSize(1);
      assertThat(bundle.x509().authorities()).as("%s", changed).hasSize(1);
    }
  }

  @Test
  void leavesOutAnRsaKeyThatIsTooSmall() throws Exception {
    ObjectNode document = document();
    ((ArrayNode) document.get("keys"))
        .addObject()
        .put("kty", "RSA")
        .put("use", "jwt-svid")
        .put("kid", "small")
        .put("n", Base64Url.encode(new java.math.BigInteger("1").shiftLeft(1023).toByteArray()))
        .put("e", "AQAB");

    assertThat(parse(document.toString()).ignored())
        .singleElement()
        .asString()
        .contains("too small");
  }

  @Test
  void takesTheFirstCertificateOfAnEntryAndLeavesOutAnEntryWithoutOne() throws Exception {
    ObjectNode document = document();
    ObjectNode x509 = (ObjectNode) document.get("keys").get(0);
    ArrayNode chain = (ArrayNode) x509.get("x5c");
    String certificate = chain.get(0).textValue();

    chain.add("ignored");
    assertThat(parse(document.toString()).x509().authorities()).hasSize(1);
    chain.removeAll();
    assertThat(parse(document.toString()).x509().authorities()).isEmpty();
    chain.add(certificate.substring(4));
    assertThat(parse(document.toString()).x509().authorities()).isEmpty();
    chain.removeAll();
    chain.add(certificate);
    assertThat(parse(document.toString()).x509().authorities()).hasSize(1);
  }

  @Test
  void anUnmarkedKeyIsForJwtSvidsOnlyWhereTheWorkloadApiServesIt() throws Exception {
    JsonNode unmarked = JsonWebKeys.document(SHOP.jwtBundle().getBytes(UTF_8));
    ObjectNode x509 = document();
    jwtKey(x509).put("use", "x509-svid");

    assertThat(unmarked.get("keys").get(0).has("use")).isFalse();
    assertThat(JsonWebKeys.read(unmarked, true).jwt()).hasSize(1);
    assertThat(JsonWebKeys.read(unmarked, false).jwt()).isEmpty();
    assertThat(JsonWebKeys.read(x509, true).jwt()).isEmpty();
  }

  @Test
  void readsABundleMap() throws Exception {
    ObjectNode map = EventCodec.object();
    map.putObject("trust_domains").set("shop.test", document());

    Map<TrustDomain, SpiffeBundle> bundles = SpiffeBundle.parseMap(map.toString().getBytes(UTF_8));

    assertThat(bundles).containsOnlyKeys(SHOP.name());
    assertThat(requireNonNull(bundles.get(SHOP.name())).x509().authorities())
        .isEqualTo(SHOP.x509Authorities());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"trust_domains\":[]}",
        "{\"trust_domains\":{\"shop.test\":{\"keys\":[]},\"shop.test\":{\"keys\":[]}}}",
        "{\"trust_domains\":{\"Shop.test\":{\"keys\":[]}}}",
        "{\"trust_domains\":{\"spiffe://shop.test\":{\"keys\":[]}}}",
        "{\"trust_domains\":{\"shop.test\":[]}}",
        "{\"trust_domains\":{\"shop.test\":{}}}"
      })
  void refusesWhatIsNoBundleMap(String json) {
    assertThatThrownBy(() -> SpiffeBundle.parseMap(json.getBytes(UTF_8)))
        .isInstanceOf(MalformedBundleException.class);
  }

  private static ObjectNode document() {
    return (ObjectNode) EventCodec.readTree(SHOP.spiffeBundle().getBytes(UTF_8));
  }

  private static ObjectNode jwtKey(ObjectNode document) {
    return (ObjectNode) document.get("keys").get(document.get("keys").size() - 1);
  }

  private static SpiffeBundle parse(String json) throws MalformedBundleException {
    return SpiffeBundle.parse(SHOP.name(), json.getBytes(UTF_8));
  }
}
