package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.Variation;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two trust domains that know each other by a bundle endpoint: one serves, the other fetches. */
class FederatedCallsTest {
  private static final String ALLOW_ALL =
      "{\"name\": \"all\", \"allow_rules\": [{\"name\": \"all\"}]}";

  private final Shop shop = new Shop();
  private final TestMesh partner = TestMesh.start("partner.test");
  private final TrustDomain partnerDomain = partner.trustDomain().name();
  private final SpiffeId endpointId = partnerDomain.id("/ns/mesh/sa/bundles");
  private final SpiffeId buyer = partnerDomain.id("/ns/shop/sa/buyer");
  private final List<MeshRuntime> servers = new ArrayList<>();
  @TempDir private Path directory;

  @AfterEach
  void close() {
    shop.close();
    partner.close();
  }

  @Test
  void aForeignWorkloadMayCallWhatThePolicyAllowsItsTrustDomainAndNothingElse() throws Exception {
    Files.writeString(
        shop.policy,
        """
        {"name": "orders",
         "deny_rules": [{
           "name": "foreigners do not chat",
           "request": {"paths": ["/meshward.test.Echo/Chat"]},
           "when": [{"key": "peer.trust_domain", "not_values": ["shop.test"]}]}],
         "allow_rules": [
           {"name": "all of ours", "source": {"principals": ["spiffe://shop.test/*"]}},
           {"name": "partners ask who",
            "request": {"paths": ["/meshward.test.Echo/*"]},
            "when": [{"key": "peer.trust_domain", "values": ["partner.test"]}]}]}
        """,
        UTF_8);
    Path bootstrap =
        Files.writeString(
            directory.resolve("partner.json"), partner.trustDomain().spiffeBundle(), UTF_8);
    MeshRuntime serving = partnerRuntime(endpointId);
    try (BundleServer bundles = serving.serveBundle(loopback())) {
      MeshRuntime orders =
          shop.ordersRuntime(
              builder ->
                  builder
                      .jwt(JwtOptions.forAudience("orders"))
                      .federate(
                          new BundleEndpoint.Spiffe(
                              partnerDomain, url(bundles, "/"), endpointId, bootstrap)));
      Server server = shop.serve(orders);
      partner.trustDomain().federateWith(shop.mesh.trustDomain());
      MeshRuntime buying = partnerRuntime(buyer);
      SvidLifecycle fetched =
          shop.serverEvents.await(
              SvidLifecycle.class, event -> event.svid().change() == Change.BUNDLE_CHANGED);
      assertThat(fetched.svid().trustDomain()).isEqualTo(partnerDomain);
      assertThat(fetched.svid().bundleSequence()).as("a served bundle has none").isNull();
      ManagedChannel channel = shop.dial(buying, server);

      assertThat(Echo.call(channel, "hello")).isEqualTo(buyer + " said hello");
      assertThatThrownBy(() -> Echo.call(channel, Echo.CHAT, "hello"))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              refused ->
                  assertThat(refused.getStatus().getCode())
                      .isEqualTo(Status.Code.PERMISSION_DENIED));
      assertThatThrownBy(() -> Echo.call(channel, Echo.OTHER_SERVICE, "hello"))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              refused ->
                  assertThat(refused.getStatus().getCode())
                      .isEqualTo(Status.Code.PERMISSION_DENIED));
      assertThat(Echo.call(shop.dial(shop.frontendRuntime(), server), "hello"))
          .contains(shop.frontend.toString());
      // Its JWT authorities came along.
      shop.serverEvents.clear();
      assertThat(
              ClientCalls.blockingUnaryCall(
                  channel,
                  Echo.WHO,
                  CallOptions.DEFAULT.withCallCredentials(
                      buying.jwtSvids().callCredentials("orders")),
                  "hello"))
          .isEqualTo(buyer + " said hello");
      AuthzDecision decision = shop.serverEvents.await(AuthzDecision.class, any -> true);
      assertThat(requireNonNull(decision.jwt()).sub()).isEqualTo(buyer.toString());
      String token = partner.trustDomain().issueJwt(buyer, Set.of("orders"), Duration.ofMinutes(5));
      assertThat(orders.jwtSvids().validate(token, "orders").id()).isEqualTo(buyer);
    }
  }

  @Test
  void aBundleComesByHttpsWebFromAServerOfAPrivateAuthority() throws Exception {
    Files.writeString(shop.policy, ALLOW_ALL, UTF_8);
    FakeBundleEndpoint.WebCertificate web = FakeBundleEndpoint.WebCertificate.of("127.0.0.1");
    MeshRuntime serving = partnerRuntime(endpointId);
    try (BundleServer bundles = serving.serveBundle(loopback(), web.server())) {
      Server server =
          shop.serve(
              shop.ordersRuntime(
                  builder ->
                      builder
                          .federate(new BundleEndpoint.Web(partnerDomain, url(bundles, "/")))
                          .webTls(web.client())));
      shop.serverEvents.await(
          SvidLifecycle.class, event -> event.svid().change() == Change.BUNDLE_CHANGED);
      partner.trustDomain().federateWith(shop.mesh.trustDomain());

      assertThat(Echo.call(shop.dial(partnerRuntime(buyer), server), "hello"))
          .isEqualTo(buyer + " said hello");
    }
  }

  @Test
  void anIssuersFaultIsAllowedToThoseWhomTheProfileIsLenientToAndTheEventShowsIt()
      throws Exception {
    Files.writeString(shop.policy, ALLOW_ALL, UTF_8);
    shop.mesh.trustDomain().federateWith(partner.trustDomain());
    IssueOptions faulty = IssueOptions.DEFAULT.with(Variation.NO_CLIENT_AUTH);
    IssuedSvid theirs = partner.trustDomain().issue(buyer, faulty);
    IssuedSvid ours = shop.mesh.trustDomain().issue(shop.frontend, faulty);

    Server usual = serve(orders -> orders);
    assertServed(usual, theirs);
    assertRefused(usual, ours);
    Server strict = serve(orders -> orders.profile(SvidProfile.STRICT));
    assertRefused(strict, theirs);
    assertRefused(strict, ours);
    Server lenient = serve(orders -> orders.profile(SvidProfile.LENIENT));
    assertServed(lenient, theirs);
    assertServed(lenient, ours);
  }

  private Server serve(UnaryOperator<MeshRuntimeBuilder> more) {
    MeshRuntime orders = shop.ordersRuntime(more);
    servers.add(orders);
    return shop.serve(orders);
  }

  private void assertServed(Server server, IssuedSvid faulty) {
    shop.serverEvents.clear();
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), faulty));

    assertThat(Echo.call(channel, "hello")).isEqualTo(faulty.id() + " said hello");
    TlsHandshake event = shop.serverEvents.await(TlsHandshake.class, any -> true);
    end(channel);
    assertThat(event.tls().result()).isEqualTo(TlsHandshake.Result.SUCCESS);
    assertThat(event.tls().detail()).isEqualTo("profile:extended_key_usage");
    assertThat(event.peer().id()).isEqualTo(faulty.id());
  }

  private void assertRefused(Server server, IssuedSvid faulty) {
    shop.serverEvents.clear();
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), faulty));

    assertThatThrownBy(() -> Echo.call(channel, "hello"))
        .isInstanceOf(StatusRuntimeException.class);
    TlsHandshake event = shop.serverEvents.await(TlsHandshake.class, any -> true);
    end(channel);
    assertThat(event.tls().result()).isEqualTo(TlsHandshake.Result.CERTIFICATE_VERIFICATION_FAILED);
    assertThat(event.tls().detail()).isEqualTo("profile:extended_key_usage");
  }

  /**
   * One that is refused dials again and again: its last dial must not be seen as the next one's.
   */
  private void end(ManagedChannel channel) {
    channel.shutdownNow();
    Eventually.await("the channel's end", channel::isTerminated);
    Eventually.await(
        "no connection",
        () -> servers.stream().allMatch(server -> server.status().connections() == 0));
  }

  @Test
  void withoutFederationAForeignWorkloadIsRefused() {
    Server server = shop.serve(shop.ordersRuntime());
    partner.trustDomain().federateWith(shop.mesh.trustDomain());
    ManagedChannel channel = shop.dial(partnerRuntime(buyer), server);

    assertThatThrownBy(() -> Echo.call(channel, "hello"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    shop.serverEvents.await(
        TlsHandshake.class, event -> "unknown_trust_domain".equals(event.tls().detail()));
  }

  @Test
  void theServedBundleIsTheTrustDomainsAndAClientTakesItFromEachReplica() throws Exception {
    MeshRuntime one = partnerRuntime(endpointId);
    MeshRuntime two = partnerRuntime(endpointId);
    try (BundleServer older = one.serveBundle(loopback());
        BundleServer younger = two.serveBundle(loopback())) {
      SpiffeBundle bundle = served(older);
      assertThat(bundle.ignored()).isEmpty();
      assertThat(bundle.x509().authorities()).isEqualTo(partner.trustDomain().x509Authorities());
      assertThat(bundle.jwt().authorities()).hasSize(1);
      Path bootstrap =
          Files.writeString(
              directory.resolve("partner.json"), partner.trustDomain().spiffeBundle(), UTF_8);
      BundleEndpoint byOne = endpoint(older, bootstrap);
      BundleEndpoint byTwo = endpoint(younger, bootstrap);
      List<String> refusals = new ArrayList<>();
      Federation client =
          new Federation(List.of(), Map::of, Clock.systemUTC(), new Random(1), null);
      client.start(() -> {}, (domain, problem) -> refusals.add(problem));

      assertThat(client.poll(byTwo)).isTrue();
      assertThat(client.poll(byOne)).as("nothing has changed").isFalse();
      partner.trustDomain().prepareX509Authority();
      for (MeshRuntime replica : List.of(one, two)) {
        Eventually.await(
            "the new root",
            () -> replica.identity().bundles().toString().contains("2 authorities"));
      }
      assertThat(client.poll(byOne)).isTrue();
      assertThat(client.poll(byTwo)).as("nothing has changed").isFalse();
      assertThat(client.join(Map.of(), shop.orders.trustDomain()).get(partnerDomain))
          .isEqualTo(new TrustBundle(partnerDomain, partner.trustDomain().x509Authorities()));
      assertThat(refusals).isEmpty();

      assertThat(get(older, "/other", "GET").statusCode())
          .isEqualTo(HttpURLConnection.HTTP_NOT_FOUND);
      assertThat(get(older, "/", "POST").statusCode()).isEqualTo(HttpURLConnection.HTTP_BAD_METHOD);
    }
  }

  @Test
  void withoutAnSvidNoBundleIsServed() throws Exception {
    MeshRuntime serving = partnerRuntime(endpointId);
    FakeBundleEndpoint.WebCertificate web = FakeBundleEndpoint.WebCertificate.of("127.0.0.1");
    try (BundleServer bundles = serving.serveBundle(loopback(), web.server())) {
      assertThat(
              new BundleFetch(web.client(), Duration.ofSeconds(20)).get(url(bundles, "/")).length)
          .isPositive();
      partner.workload(endpointId).redact();
      Eventually.await(
          "withdrawal", () -> serving.status().identity() instanceof RuntimeState.Withdrawn);

      assertThatThrownBy(
              () -> new BundleFetch(web.client(), Duration.ofSeconds(20)).get(url(bundles, "/")))
          .hasMessageContaining("answered 503");
    }
  }

  private MeshRuntime partnerRuntime(SpiffeId id) {
    return shop.closing(
        MeshRuntime.builder()
            .workloadApi(partner.addressFor(id))
            .withoutEvents()
            .withoutQuarantine()
            .start());
  }

  private SpiffeBundle served(BundleServer bundles) throws Exception {
    return SpiffeBundle.parse(partnerDomain, get(bundles, "/", "GET").body());
  }

  private BundleEndpoint endpoint(BundleServer bundles, Path bootstrap) {
    return new BundleEndpoint.Spiffe(partnerDomain, url(bundles, "/"), endpointId, bootstrap);
  }

  private static HttpResponse<byte[]> get(BundleServer bundles, String path, String method)
      throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(Attacker.context(null)).build()) {
      return client.send(
          HttpRequest.newBuilder(url(bundles, path))
              .method(method, HttpRequest.BodyPublishers.noBody())
              .build(),
          HttpResponse.BodyHandlers.ofByteArray());
    }
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static URI url(BundleServer bundles, String path) {
    return URI.create("https://127.0.0.1:" + bundles.address().getPort() + path);
  }
}
