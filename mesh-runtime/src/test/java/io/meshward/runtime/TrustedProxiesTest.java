package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.runtime.ForwardedClientCert.Pair;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Envoy says of its client: read as Envoy writes it, believed from allowed proxies only. */
class TrustedProxiesTest {
  private static final String BY = "By=spiffe://shop.test/ns/shop/sa/frontend";
  private static final String ALICE = "spiffe://shop.test/user/alice";
  private static final String GOOD =
      BY + ";Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;URI=" + ALICE;

  @Test
  void readsWhatEnvoyWrites() {
    ForwardedClientCert header =
        ForwardedClientCert.parse(
            "By=http://frontend.lyft.com;Subject=\"/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test"
                + " Client\";URI=http://testclient.lyft.com,By=http://backend.lyft.com;Hash=9ba6;"
                + "Subject=\"CN=a\\\"b\\\\,c;d\";uri=;DNS=a.test;DNS=b.test");

    assertThat(header.elements()).hasSize(2);
    assertThat(header.elements().get(0))
        .containsExactly(
            new Pair("by", "http://frontend.lyft.com"),
            new Pair("subject", "/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client"),
            new Pair("uri", "http://testclient.lyft.com"));
    assertThat(header.last("by")).containsExactly("http://backend.lyft.com");
    assertThat(header.last("subject")).containsExactly("CN=a\"b\\,c;d");
    assertThat(header.last("uri")).containsExactly("");
    assertThat(header.last("dns")).containsExactly("a.test", "b.test");
    assertThat(header.last("chain")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",",
        ";",
        "By",
        "By=a;",
        "By=a,",
        "=a",
        "By=\"a",
        "By=\"a\"b",
        "By=a\"b",
        "B y=a",
        "By=a,,By=b",
        "By=\"a\\",
        "spiffe://shop.test/a"
      })
  void refusesWhatEnvoyDoesNotWrite(String header) {
    assertThatThrownBy(() -> ForwardedClientCert.parse(header))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at character");
  }

  @FuzzTest
  void anyHeaderIsReadOrRefused(byte[] bytes) {
    read(new String(bytes, UTF_8));
  }

  @Test
  void changedHeadersNeverPutAnotherElementLast() {
    String good = "By=a;URI=first," + GOOD;
    for (long seed = 0; seed < 5_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] header = good.getBytes(UTF_8);
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        header = Seeded.changed(header, random);
      }
      try {
        read(new String(header, UTF_8));
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  /** Written again, what was read is read as the same. */
  private static void read(String text) {
    ForwardedClientCert header;
    try {
      header = ForwardedClientCert.parse(text);
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageStartingWith("at character");
      return;
    }
    String written =
        String.join(
            ",",
            header.elements().stream()
                .map(
                    element ->
                        String.join(";", element.stream().map(TrustedProxiesTest::write).toList()))
                .toList());
    assertThat(ForwardedClientCert.parse(written)).isEqualTo(header);
  }

  private static String write(Pair pair) {
    return pair.key() + "=\"" + pair.value().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  @Test
  void anAllowedProxyCallsOnBehalfOfItsClient() throws IOException {
    try (Shop shop = shop()) {
      ManagedChannel channel = channel(shop, "spiffe://shop.test/ns/shop/sa/frontend");
      assertThat(call(channel, "By=a;URI=spiffe://shop.test/user/eve," + GOOD))
          .contains("frontend");

      AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
      assertThat(requireNonNull(event.delegation()).chain()).containsExactly(SpiffeId.parse(ALICE));
      assertThat(event.meta()).isNull();
      assertThat(event.peer().id()).isEqualTo(shop.frontend);

      shop.serverHolds.place(Subject.of(SpiffeId.parse(ALICE)), "c1");
      assertRefused(shop, channel, GOOD, "quarantined");
    }
  }

  @Test
  void thePolicyHasToAllowTheCallToTheClientAsWell() throws IOException {
    try (Shop shop = shop()) {
      Files.writeString(shop.policy, Shop.ALLOW_FRONTEND, UTF_8);
      ManagedChannel channel = channel(shop, "spiffe://shop.test/ns/shop/sa/frontend");

      assertRefused(shop, channel, GOOD, "on_behalf_of_refused");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "By=spiffe://shop.test/ns/shop/sa/other;URI=spiffe://shop.test/user/alice | xfcc_by",
        "URI=spiffe://shop.test/user/alice | xfcc_by",
        "By=spiffe://shop.test/ns/shop/sa/frontend | xfcc_uri",
        "By=spiffe://shop.test/ns/shop/sa/frontend;URI=spiffe://shop.test | xfcc_uri",
        "By=spiffe://shop.test/ns/shop/sa/frontend;URI=https://a | xfcc_uri",
        "By=spiffe://shop.test/ns/shop/sa/frontend;URI=spiffe://a/b;URI=spiffe://a/c | xfcc_uri",
        "By=\"spiffe://shop.test/ns/shop/sa/frontend | xfcc_malformed"
      })
  void aHeaderOfAnAllowedProxyThatProvesNothingIsRefused(String header, String reason) {
    SpiffeId proxy = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");
    TrustedProxies proxies =
        new TrustedProxies(
            IdentityPatterns.parse(List.of(proxy.toString())), new Trust(), Clock.systemUTC());

    assertThatThrownBy(() -> proxies.judge(header, proxy))
        .isInstanceOfSatisfying(
            EvidenceRejectedException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @Test
  void aBrokenHeaderOfAnAllowedProxyIsARefusedCall() throws IOException {
    try (Shop shop = shop()) {
      assertRefused(
          shop, channel(shop, "spiffe://shop.test/ns/shop/sa/frontend"), "By", "xfcc_malformed");
    }
  }

  @Test
  void fromEverybodyElseItIsAFalseClaim() throws IOException {
    try (Shop shop = shop()) {
      ManagedChannel channel = channel(shop, "spiffe://shop.test/ns/shop/sa/gateway");

      assertThat(call(channel, GOOD)).contains("frontend");
      AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
      assertThat(event.delegation()).isNull();
      assertThat(requireNonNull(event.meta()).spoof()).containsExactly("x-forwarded-client-cert");
    }
  }

  @Test
  void aClaimThatTlsConfirmsIsTakenAwayButNotReported() {
    SpiffeId peer = SpiffeId.parse(ALICE);
    Metadata.Key<String> key = Metadata.Key.of("x-spiffe-id", Metadata.ASCII_STRING_MARSHALLER);
    Metadata headers = new Metadata();
    headers.put(key, ALICE);
    assertThat(SpoofedMetadata.strip(headers, peer)).isEmpty();
    assertThat(headers.keys()).isEmpty();

    headers.put(key, ALICE);
    headers.put(key, ALICE + "2");
    assertThat(SpoofedMetadata.strip(headers, peer)).isEqualTo(List.of("x-spiffe-id"));
    assertThat(headers.keys()).isEmpty();
  }

  private static Shop shop() throws IOException {
    Shop shop = new Shop();
    Files.writeString(
        shop.policy, "{\"name\": \"all\", \"allow_rules\": [{\"name\": \"all\"}]}", UTF_8);
    return shop;
  }

  private static ManagedChannel channel(Shop shop, String proxies) {
    return shop.dial(
        shop.frontendRuntime(),
        shop.serve(shop.ordersRuntime(orders -> orders.trustedProxies(proxies))));
  }

  private static String call(ManagedChannel channel, String header) {
    Metadata headers = new Metadata();
    headers.put(TrustedProxies.KEY, header);
    return Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
        "hello");
  }

  private static void assertRefused(
      Shop shop, ManagedChannel channel, String header, String reason) {
    shop.serverEvents.clear();
    assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> call(channel, header)))
        .hasMessageContaining("refused");
    AuthzDecision event =
        shop.serverEvents.await(
            AuthzDecision.class, any -> any.authz().decision() == Decision.DENY);
    assertThat(event.authz().reason()).isEqualTo(reason);
  }
}
