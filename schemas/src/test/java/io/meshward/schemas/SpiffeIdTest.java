package io.meshward.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeIdTest {
  private static final String PATH_CHARACTERS =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  private static final String DOMAIN_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

  @ParameterizedTest
  @CsvSource({
    "spiffe://example.org/a, example.org, /a",
    "spiffe://example.org, example.org, ''",
    "SPIFFE://EXAMPLE.ORG/A, example.org, /A",
    "spiffe://1.2.3.4/a/B/c..d, 1.2.3.4, /a/B/c..d",
    "spiffe://a_b-c.d/..., a_b-c.d, /...",
  })
  void readsTrustDomainAndPath(String text, String trustDomain, String path) {
    SpiffeId id = SpiffeId.parse(text);

    assertThat(id.trustDomain().name()).isEqualTo(trustDomain);
    assertThat(id.path()).isEqualTo(path);
    assertThat(SpiffeId.parse(id.toString())).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "spiffe:",
        "spiffe:/",
        "spiffe://",
        "spiffe:///a",
        "http://example.org/a",
        "spiffe://example.org/",
        "spiffe://example.org/a/",
        "spiffe://example.org//a",
        "spiffe://example.org/a//b",
        "spiffe://example.org/.",
        "spiffe://example.org/..",
        "spiffe://example.org/a/../b",
        "spiffe://example.org/a/./b",
        "spiffe://example.org/a?b",
        "spiffe://example.org/a#",
        "spiffe://example.org/a#b",
        "spiffe://example.org?a",
        "spiffe://example.org#",
        "spiffe://example.org/%61",
        "spiffe://ex%61mple.org/a",
        "spiffe://user@example.org/a",
        "spiffe://example.org:443/a",
        "spiffe://example.org/a b",
        " spiffe://example.org/a",
        "spiffe://example.org/a\n",
        "spiffe://example.org/\u212A",
        "spiffe://\u212A/a",
        "spiffe://\u0130dp.example/a",
        "spiffe://ex\u00E4mple.org/a",
        "ſpiffe://example.org/a",
      })
  void refusesWhatIsNotASpiffeId(String text) {
    assertThatThrownBy(() -> SpiffeId.parse(text)).isInstanceOf(InvalidSpiffeIdException.class);
  }

  @Test
  void holdsTheLimitsOfLength() {
    String domain = "a".repeat(255);
    String prefix = "spiffe://example.org/";
    String longest = prefix + "a".repeat(2048 - prefix.length());

    assertThat(SpiffeId.parse("spiffe://" + domain + "/a").trustDomain().name()).isEqualTo(domain);
    assertThat(SpiffeId.parse(longest).toString()).hasSize(2048);
    assertThatThrownBy(() -> SpiffeId.parse("spiffe://" + domain + "a/a"))
        .hasMessageContaining("255");
    assertThatThrownBy(() -> SpiffeId.parse(longest + "a")).hasMessageContaining("2048");
  }

  @Test
  void doesNotDependOnTheLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("tr"));

      assertThat(SpiffeId.parse("SPIFFE://IDP.EXAMPLE/I")).hasToString("spiffe://idp.example/I");
    } finally {
      Locale.setDefault(before);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/ns/pay, true",
    "/ns/pay/sa/a, true",
    "/ns/payroll, false",
    "/ns, false",
    "/ns/pa, false",
  })
  void judgesAPrefixByWholeSegments(String path, boolean within) {
    assertThat(SpiffeId.parse("spiffe://example.org" + path).isWithin("/ns/pay")).isEqualTo(within);
  }

  @Test
  void acceptsEveryGeneratedIdAndReadsBackWhatItWrote() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      StringBuilder text = new StringBuilder("spiffe://").append(word(random, DOMAIN_CHARACTERS));
      for (int segment = random.nextInt(5); segment > 0; segment--) {
        String word = word(random, PATH_CHARACTERS);
        text.append('/').append(word.equals(".") || word.equals("..") ? "dots" : word);
      }

      assertThat(SpiffeId.parse(text.toString())).as("seed " + seed).hasToString(text.toString());
    }
  }

  @Test
  void neverAcceptsATextThatItWouldWriteDifferentlyExceptForAsciiCase() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder("spiffe://example.org/ns/shop");
      for (int change = 1 + random.nextInt(3); change > 0; change--) {
        char character =
            random.nextInt(4) == 0
                ? (char) random.nextInt(0x2200)
                : "/.%?#@:\u0000 aA".charAt(random.nextInt(11));
        text.insert(random.nextInt(text.length() + 1), character);
      }
      try {
        assertThat(SpiffeId.parse(text.toString()).toString())
            .as("seed " + seed)
            .isEqualToIgnoringCase(text.toString())
            .matches("spiffe://[a-z0-9._-]+(/[a-zA-Z0-9._-]+)*");
      } catch (InvalidSpiffeIdException expected) {
        assertThat(expected).hasMessageContaining("is not a SPIFFE name");
      }
    }
  }

  private static String word(Random random, String characters) {
    StringBuilder word = new StringBuilder();
    for (int length = 1 + random.nextInt(12); length > 0; length--) {
      word.append(characters.charAt(random.nextInt(characters.length())));
    }
    return word.toString();
  }
}
