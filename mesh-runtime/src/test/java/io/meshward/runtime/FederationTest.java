package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.runtime.FakeBundleEndpoint.WebCertificate;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client of bundle endpoints, against endpoints over real TLS. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FederationTest {
  private static final TrustDomain OTHER = TrustDomain.parse("other.test");
  private static final SpiffeId SERVER = OTHER.id("/spire/server");

  private final TestTrustDomain other = TestTrustDomain.create("other.test");
  private final WebCertificate web = WebCertificate.of("127.0.0.1");
  private FakeBundleEndpoint endpoint = FakeBundleEndpoint.showing(web);
  @TempDir private Path directory;
  private Path bootstrap = Path.of("/");

  @BeforeEach
  void writeBootstrap() throws IOException {
    bootstrap = Files.writeString(directory.resolve("other.json"), other.spiffeBundle());
    endpoint.answer("/", other.spiffeBundle());
  }

  @AfterEach
  void close() {
    endpoint.close();
  }

  @Test
  void fetchesFromAServerOfTheWeb() throws Exception {
    Federation federation = federation(web.client());

    assertThat(federation.poll(webEndpoint("/"))).isTrue();

    assertThat(authorities(federation)).isEqualTo(other.x509Authorities());
    assertThat(federation.joinJwt(Map.of(), null).get(OTHER)).isNotNull();
    assertThat(federation.poll(webEndpoint("/"))).as("nothing has changed").isFalse();
  }

  @Test
  void jwtAuthoritiesAreTheSameObjectUntilTheyChangeAndNeverReplaceTheOwnOnes() throws Exception {
    Federation federation = federation(web.client());
    SpiffeId self = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
    Map<TrustDomain, JwtBundle> told = new HashMap<>();
    assertThat(federation.joinJwt(told, self)).isSameAs(told);
    federation.poll(webEndpoint("/"));

    Map<TrustDomain, JwtBundle> joined = federation.joinJwt(told, self);
    assertThat(joined).containsOnlyKeys(OTHER);
    assertThat(federation.joinJwt(told, self)).isSameAs(joined);
    assertThat(federation.joinJwt(told, SERVER)).as("a bundle of one's own").isEmpty();

    other.prepareX509Authority();
    endpoint.answer("/", other.spiffeBundle());
    federation.poll(webEndpoint("/"));
    assertThat(federation.joinJwt(told, self)).isNotSameAs(joined);
    JwtBundle ours = new JwtBundle(OTHER, List.of());
    assertThat(federation.joinJwt(Map.of(OTHER, ours), self))
        .as("what the Workload API says comes first")
        .containsEntry(OTHER, ours);
  }

  @Test
  void aChangeThatCouldNotBeTakenOverIsToldAgain() throws Exception {
    Federation federation = federation(web.client());
    List<Boolean> told = new ArrayList<>();
    Federation.Look look =
        federation
        .new Look(
            webEndpoint("/"),
            () -> {
              told.add(true);
              if (told.size() == 1) {
                throw new IllegalStateException("a listener fails");
              }
            });

    look.take();
    look.take();
    look.take();

    assertThat(told).as("until it was taken over, and not after").hasSize(2);
  }

  @Test
  void refusesAServerOfTheWebForAnotherHostOrFromNobodyKnown() throws Exception {
    assertThat(federation(null).poll(webEndpoint("/"))).isFalse();

    WebCertificate elsewhere = WebCertificate.of("127.0.0.2");
    replaceEndpoint(FakeBundleEndpoint.showing(elsewhere));
    Federation federation = federation(elsewhere.client());
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    assertThat(federation.join(Map.of(), TrustDomain.parse("shop.test"))).isEmpty();
  }

  @Test
  void neverTakesOneProfileInPlaceOfTheOther() throws Exception {
    assertThat(federation(web.client()).poll(spiffeEndpoint("/", SERVER))).isFalse();

    replaceEndpoint(FakeBundleEndpoint.showing(other.issue(SERVER)));
    assertThat(federation(web.client()).poll(webEndpoint("/"))).isFalse();
    assertThat(federation(web.client()).poll(spiffeEndpoint("/", SERVER))).isTrue();
  }

  @Test
  void refusesAServerOfAnotherIdentityOrOfAForeignAuthority() throws Exception {
    replaceEndpoint(FakeBundleEndpoint.showing(other.issue(OTHER.id("/ns/shop/sa/orders"))));
    assertThat(federation(null).poll(spiffeEndpoint("/", SERVER))).isFalse();

    replaceEndpoint(FakeBundleEndpoint.showing(TestTrustDomain.create("other.test").issue(SERVER)));
    assertThat(federation(null).poll(spiffeEndpoint("/", SERVER))).isFalse();
  }

  @Test
  void judgesTheServerByTheLatestBundleAndNotByTheBootstrapOne() throws Exception {
    replaceEndpoint(FakeBundleEndpoint.showing(other.issue(SERVER)));
    Federation federation = federation(null);
    other.prepareX509Authority();
    endpoint.answer("/", other.spiffeBundle());
    assertThat(federation.poll(spiffeEndpoint("/", SERVER))).isTrue();
    assertThat(authorities(federation)).hasSize(2);

    other.activateX509Authority();
    other.retireX509Authorities();
    replaceEndpoint(FakeBundleEndpoint.showing(other.issue(SERVER)));

    assertThat(federation.poll(spiffeEndpoint("/", SERVER))).isTrue();
    assertThat(authorities(federation)).isEqualTo(other.x509Authorities());
    assertThat(federation(null).poll(spiffeEndpoint("/", SERVER)))
        .as("who only has the bootstrap bundle")
        .isFalse();
  }

  @Test
  void saysThatABootstrapBundleIsMissing() throws Exception {
    replaceEndpoint(FakeBundleEndpoint.showing(other.issue(SERVER)));
    BundleEndpoint without = new BundleEndpoint.Spiffe(OTHER, endpoint.url("/"), SERVER, null);

    assertThat(federation(null).poll(without)).isFalse();
    assertThat(
            new Federation(
                    List.of(),
                    () -> Map.of(OTHER, new TrustBundle(OTHER, other.x509Authorities())),
                    Clock.systemUTC(),
                    new Random(1),
                    null)
                .poll(without))
        .as("its trust domain is trusted already")
        .isTrue();
  }

  @Test
  void refusesASequenceThatGoesBackOrGoesAway() throws Exception {
    Federation federation = federation(web.client());
    List<String> refusals = new ArrayList<>();
    federation.start(() -> {}, (domain, problem) -> refusals.add(domain + ": " + problem));
    String old = other.spiffeBundle();
    other.prepareX509Authority();
    endpoint.answer("/", other.spiffeBundle());
    assertThat(federation.poll(webEndpoint("/"))).isTrue();

    endpoint.answer("/", old);
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    assertThat(refusals)
        .as("each reason once")
        .singleElement()
        .asString()
        .startsWith("other.test: the bundle's sequence goes back from");
    endpoint.answer("/", "{\"keys\": []}");
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    assertThat(authorities(federation)).isEqualTo(other.x509Authorities());

    endpoint.answer("/", "{\"keys\": [], \"spiffe_sequence\": 4000000000}");
    assertThat(federation.poll(webEndpoint("/"))).isTrue();
    assertThat(authorities(federation)).as("an empty bundle trusts nothing").isEmpty();
  }

  @Test
  void keepsTheLastGoodBundleWhileTheEndpointFails() throws Exception {
    Federation federation = federation(web.client());
    assertThat(federation.poll(webEndpoint("/"))).isTrue();

    endpoint.answer("/", 503);
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    endpoint.answer("/", "no JSON");
    assertThat(federation.poll(webEndpoint("/"))).isFalse();
    endpoint.close();
    assertThat(federation.poll(webEndpoint("/"))).isFalse();

    assertThat(authorities(federation)).isEqualTo(other.x509Authorities());
  }

  @Test
  void refusesABodyThatIsTooLargeAndOneThatDoesNotEnd() {
    endpoint.answer("/large", " ".repeat(BundleFetch.MAX_BYTES) + other.spiffeBundle());
    endpoint.hang("/slow");

    assertThatThrownBy(() -> fetch(Duration.ofSeconds(20)).get(endpoint.url("/large")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("larger than 1048576 bytes");
    assertThatThrownBy(() -> fetch(Duration.ofSeconds(1)).get(endpoint.url("/slow")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("did not answer within 1 s");
  }

  @Test
  void followsARedirectForOneFetchOnly() throws Exception {
    endpoint.redirect("/", "/elsewhere");
    endpoint.answer("/elsewhere", other.spiffeBundle());
    Federation federation = federation(web.client());

    assertThat(federation.poll(webEndpoint("/"))).isTrue();
    assertThat(federation.poll(webEndpoint("/"))).isFalse();

    assertThat(endpoint.asked()).containsExactly("/", "/elsewhere", "/", "/elsewhere");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://127.0.0.1/",
        "https://user@127.0.0.1/",
        "ftp://127.0.0.1/",
        "https:///",
        "https://127.0.0.1/#part",
        "%"
      })
  void followsNoRedirectToAnythingButHttps(String location) {
    endpoint.redirect("/", location);

    assertThatThrownBy(() -> fetch(Duration.ofSeconds(20)).get(endpoint.url("/")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("redirects to '" + location + "'");
    assertThat(endpoint.asked()).containsExactly("/");
  }

  @Test
  void followsNoRedirectToAServerOfAnotherIdentityAndFewOnTheWhole() throws Exception {
    try (FakeBundleEndpoint thief =
        FakeBundleEndpoint.showing(other.issue(OTHER.id("/ns/shop/sa/orders")))) {
      thief.answer("/", other.spiffeBundle());
      replaceEndpoint(FakeBundleEndpoint.showing(other.issue(SERVER)));
      endpoint.redirect("/", thief.url("/").toString());
      assertThat(federation(null).poll(spiffeEndpoint("/", SERVER))).isFalse();
      assertThat(thief.asked()).isEmpty();
    }

    endpoint.redirect("/", "/");
    assertThat(federation(null).poll(spiffeEndpoint("/", SERVER))).isFalse();
    assertThat(endpoint.asked()).hasSize(5);
  }

  @Test
  void replacesNeitherTheOwnTrustDomainNorWhatTheWorkloadApiSays() throws Exception {
    Federation federation = federation(web.client());
    assertThat(federation.poll(webEndpoint("/"))).isTrue();
    TrustBundle served = new TrustBundle(OTHER, List.of());

    assertThat(federation.join(Map.of(OTHER, served), TrustDomain.parse("shop.test")))
        .containsExactly(Map.entry(OTHER, served));
    assertThat(federation.join(Map.of(), OTHER)).isEmpty();
  }

  @Test
  void pollsByTheHintWithinBounds() throws Exception {
    Federation federation = federation(web.client());
    assertThat(federation.pause(webEndpoint("/")))
        .isBetween(Duration.ofSeconds(27), Duration.ofSeconds(30));
    endpoint.answer("/", "{\"keys\": [], \"spiffe_refresh_hint\": 600}");
    federation.poll(webEndpoint("/"));
    assertThat(federation.pause(webEndpoint("/")))
        .isBetween(Duration.ofMinutes(9), Duration.ofMinutes(10));
    endpoint.answer("/", "{\"keys\": [], \"spiffe_refresh_hint\": 1}");
    federation.poll(webEndpoint("/"));
    assertThat(federation.pause(webEndpoint("/")))
        .isBetween(Duration.ofSeconds(9), Duration.ofSeconds(10));
    endpoint.answer("/", "{\"keys\": [], \"spiffe_refresh_hint\": 999999999}");
    federation.poll(webEndpoint("/"));
    assertThat(federation.pause(webEndpoint("/"))).isLessThanOrEqualTo(Duration.ofDays(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://other.test/", "https://user:word@other.test/", "other.test", "https:/x"})
  void takesHttpsUrlsOnly(String url) {
    assertThatThrownBy(() -> new BundleEndpoint.Web(OTHER, URI.create(url)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + url + "'");
    assertThatThrownBy(() -> new BundleEndpoint.Spiffe(OTHER, URI.create(url), SERVER, null))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private void replaceEndpoint(FakeBundleEndpoint next) {
    endpoint.close();
    endpoint = next;
    endpoint.answer("/", other.spiffeBundle());
  }

  private BundleFetch fetch(Duration deadline) {
    return new BundleFetch(web.client(), deadline);
  }

  private static Federation federation(@Nullable SSLContext webTls) {
    return new Federation(List.of(), Map::of, Clock.systemUTC(), new Random(1), webTls);
  }

  private static List<java.security.cert.X509Certificate> authorities(Federation federation) {
    TrustBundle bundle = federation.join(Map.of(), TrustDomain.parse("shop.test")).get(OTHER);
    return bundle == null ? List.of() : bundle.authorities();
  }

  private BundleEndpoint webEndpoint(String path) {
    return new BundleEndpoint.Web(OTHER, endpoint.url(path));
  }

  private BundleEndpoint spiffeEndpoint(String path, SpiffeId id) {
    return new BundleEndpoint.Spiffe(OTHER, endpoint.url(path), id, bootstrap);
  }
}
