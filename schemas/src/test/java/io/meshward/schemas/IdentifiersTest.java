package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdentifiersTest {
  private static final TrustDomain DOMAIN = TrustDomain.parse("example.org");

  @Test
  void aContentHashDependsOnWhereAPartEndsAndNotOnTheOrderOfKeys() {
    assertThat(new ContentHash().add("ab").add("c").hex())
        .isNotEqualTo(new ContentHash().add("a").add("bc").hex());
    assertThat(new ContentHash().add("").hex())
        .isNotEqualTo(new ContentHash().add((String) null).hex());
    assertThat(new ContentHash().add(json("{\"a\":1,\"b\":[{\"d\":2,\"c\":3}]}")).hex())
        .isEqualTo(new ContentHash().add(json("{\"b\":[{\"c\":3,\"d\":2}],\"a\":1}")).hex());
    assertThat(new ContentHash().add(json("{\"a\":[1,2]}")).hex())
        .isNotEqualTo(new ContentHash().add(json("{\"a\":[2,1]}")).hex());
  }

  @Test
  void everythingAboutOneTargetFallsOnOnePartition() {
    ContainmentId first = ContainmentId.of("local/uid-1", "freeze", "d1");
    ContainmentId second = ContainmentId.of("local/uid-1", "isolate", "d2");

    assertThat(first).isNotEqualTo(second);
    assertThat(first.partition(6)).isEqualTo(second.partition(6));
    assertThat(ContainmentId.parse(first.toString())).isEqualTo(first);
    assertThat(ContainmentId.partition(ContainmentId.targetHash("local/uid-1"), 6))
        .isEqualTo(first.partition(6));
  }

  @Test
  void targetsSpreadOverAllPartitions() {
    assertThat(
            IntStream.range(0, 500)
                .map(i -> ContainmentId.of("local/uid-" + i, "p", "d").partition(6))
                .boxed())
        .containsOnly(0, 1, 2, 3, 4, 5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "abc", "-abc", "abc-"})
  void refusesWhatIsNotAContainmentId(String text) {
    assertThatThrownBy(() -> ContainmentId.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @Test
  void aHoldsKeyNamesItsSubjectAndItsContainment() {
    for (Subject subject :
        new Subject[] {
          Subject.of(SpiffeId.parse("spiffe://example.org/ns/shop/sa/orders")),
          new Subject(Subject.Kind.PATH_PREFIX, DOMAIN, "/ns/shop"),
          new Subject(Subject.Kind.SERIAL, DOMAIN, "0102:5f2c"),
          new Subject(Subject.Kind.KEY_HASH, DOMAIN, "ab".repeat(32)),
          new Subject(Subject.Kind.TRUST_DOMAIN, DOMAIN, "example.org"),
          new Subject(Subject.Kind.IP, null, "2001:db8::1"),
        }) {
      QuarantineKey key = new QuarantineKey(subject, "a-b");

      assertThat(QuarantineKey.parse(key.toString())).isEqualTo(key);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "spiffe_id|example.org|spiffe://example.org/a",
        "spiffe_id|example.org|spiffe://other.org/a|a-b",
        "spiffe_id|example.org|spiffe://EXAMPLE.org/a|a-b",
        "spiffe_id||spiffe://example.org/a|a-b",
        "ip|example.org|10.0.0.1|a-b",
        "path_prefix|example.org|/ns/../x|a-b",
        "key_hash|example.org|abc|a-b",
        "nothing|example.org|abc|a-b",
        "spiffe_id|example.org|spiffe://example.org/a|",
      })
  void refusesAKeyThatNamesNoHold(String key) {
    assertThatThrownBy(() -> QuarantineKey.parse(key))
        .isInstanceOf(MalformedEventException.class)
        .hasMessageContaining("quarantine key '" + key + "'");
  }

  private static JsonNode json(String text) {
    return EventCodec.readTree(text.getBytes(UTF_8));
  }
}
