package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.runtime.FakeBundleEndpoint.Pem;
import io.meshward.runtime.FakeBundleEndpoint.WebCertificate;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.RealSpire;
import io.meshward.testkit.WorkloadEntry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workloads over real SPIRE servers and agents, of two trust domains. The rotations, which take
 * minutes of waiting, begin first and are awaited last.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RealSpireTest {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final TrustDomain PARTNER = TrustDomain.parse("partner.test");
  private static final SpiffeId ORDERS = SHOP.id(Shop.ORDERS_PATH);
  private static final SpiffeId FRONTEND = SHOP.id(Shop.FRONTEND_PATH);
  private static final SpiffeId BUYER = PARTNER.id("/ns/shop/sa/buyer");

  @TempDir private static Path directory;

  private final WebCertificate web = WebCertificate.of("127.0.0.1");
  private final ExecutorService starting = Executors.newVirtualThreadPerTaskExecutor();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final Deque<RealSpire> running = new ArrayDeque<>();
  private @Nullable Future<Void> rotation;

  @BeforeAll
  void start() throws Exception {
    assumeTrue(
        RealSpire.binaries().isPresent(),
        "set " + RealSpire.FOLDER_VARIABLE + " to the folder of a SPIRE release to run this");
    Path binaries = RealSpire.binaries().orElseThrow();
    Path policy = Files.writeString(directory.resolve("policy.json"), Shop.ALLOW_FRONTEND);
    rotation = starting.submit(new RotationOverSpire(binaries, policy));
    Pem pem = web.write(directory);
    Future<RealSpire> second =
        starting.submit(
            () ->
                RealSpire.start(
                    binaries,
                    PARTNER,
                    RealSpire.Web.NONE.serve(pem.certificate(), pem.privateKey())));
    try {
      running.push(RealSpire.start(binaries, SHOP, RealSpire.Web.NONE.trust(pem.certificate())));
    } finally {
      running.push(second.get());
    }
    shop().register(WorkloadEntry.of(ORDERS).hint("server"));
    shop().register(WorkloadEntry.of(FRONTEND).hint("client"));
  }

  private RealSpire shop() {
    return running.getLast();
  }

  private RealSpire partner() {
    return running.getFirst();
  }

  @AfterEach
  void closeWhatIsOpen() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  @AfterAll
  void stop() {
    running.forEach(RealSpire::close);
    starting.shutdownNow();
  }

  @Test
  @Order(1)
  void jwtSvidsAreFetchedAndVerifiedByTheKeysThatSpireServesWithoutUse() {
    MeshRuntime orders =
        closing(
            MeshRuntime.builder()
                .workloadApi(shop().address())
                .spiffeId(ORDERS)
                .withoutEvents()
                .withoutQuarantine()
                .start());
    List<JwtSvid> all = orders.jwtSvids().fetch(List.of("payment"));
    assertThat(all).extracting(JwtSvid::id).containsExactlyInAnyOrder(ORDERS, FRONTEND);

    JwtSvid one = orders.jwtSvids().fetch(FRONTEND, List.of("payment"));

    assertThat(orders.jwtSvids().validate(one.token(), "payment").id()).isEqualTo(FRONTEND);
    assertThat(one.hint()).isEqualTo("client");
    assertThatThrownBy(() -> orders.jwtSvids().validate(one.token(), "shipping"))
        .isInstanceOf(JwtSvidRejectedException.class);
    assertThatThrownBy(() -> orders.jwtSvids().fetch(SHOP.id("/other"), List.of("payment")))
        .isInstanceOf(MeshRuntimeException.class);
  }

  @Test
  @Order(2)
  void aForeignWorkloadIsServedAsLongAsItsTrustDomainIsFederated() throws Exception {
    partner().admin(federateWithShop());
    partner().register(WorkloadEntry.of(BUYER), SHOP);
    RecordingSink events = new RecordingSink();
    MeshRuntime orders = orders(MeshRuntime.builder().events(events));
    MeshRuntime buyer = buyer();
    ManagedChannel channel = dial(buyer, serve(orders));
    assertRefused(channel);
    events.await(TlsHandshake.class, event -> "unknown_trust_domain".equals(event.tls().detail()));

    shop().admin(federate("https_web", partner().bundleEndpoint()));
    shop().admin("federation", "refresh", "-id", "spiffe://" + PARTNER);
    Eventually.await("partner.test's bundle at shop.test", () -> !bundleOfPartner().isEmpty());
    shop().registerAnew(WorkloadEntry.of(ORDERS).hint("server"), PARTNER);
    Eventually.await(
        "partner.test's bundle at orders", () -> orders.identity().bundles().containsKey(PARTNER));
    Eventually.await("a call of the foreign workload", () -> answers(channel));
    Chat live = Chat.open(channel);
    assertThat(live.say("hello")).isEqualTo(BUYER + " said hello");

    shop().admin("federation", "delete", "-id", "spiffe://" + PARTNER);
    shop().admin("bundle", "delete", "-id", "spiffe://" + PARTNER, "-mode", "dissociate");
    assertThat(live.end()).isNotEqualTo(Status.Code.OK);
    assertThat(orders.identity().bundles()).containsOnlyKeys(SHOP);
    assertRefused(channel);

    MeshRuntimeBuilder fetching = MeshRuntime.builder().withoutEvents();
    fetching.webTls = web.client();
    MeshRuntime alone =
        orders(fetching.federate(new BundleEndpoint.Web(PARTNER, partner().bundleEndpoint())));
    ManagedChannel other = dial(buyer, serve(alone));
    Eventually.await("a call by the bundle that the runtime fetched", () -> answers(other));
  }

  @Test
  @Order(3)
  void spiresBundleEndpointIsReadByOursAndOursBySpire() throws Exception {
    Federation federation =
        new Federation(List.of(), Map::of, Clock.systemUTC(), new Random(1), web.client());
    BundleEndpoint spiffe =
        new BundleEndpoint.Spiffe(
            SHOP, shop().bundleEndpoint(), shop().bundleEndpointId(), bundle(shop()));
    assertThat(federation.poll(spiffe)).isTrue();
    assertThat(federation.poll(new BundleEndpoint.Web(PARTNER, partner().bundleEndpoint())))
        .isTrue();
    Map<TrustDomain, TrustBundle> fetched = federation.join(Map.of(), TrustDomain.parse("me.test"));
    assertThat(fetched.get(SHOP)).isEqualTo(parsed(SHOP, bundle(shop())).x509());
    assertThat(fetched.get(PARTNER)).isEqualTo(parsed(PARTNER, bundle(partner())).x509());
    assertThat(
            federation.poll(
                new BundleEndpoint.Spiffe(
                    SHOP, shop().bundleEndpoint(), SHOP.id("/other"), bundle(shop()))))
        .as("from another server than the one that is configured")
        .isFalse();

    MeshRuntime serving = buyer();
    try (BundleServer bundles = serving.serveBundle(loopback())) {
      shop()
          .admin(
              federate(
                  "https_spiffe",
                  url(bundles),
                  "-endpointSpiffeID",
                  BUYER.toString(),
                  "-trustDomainBundleFormat",
                  "spiffe",
                  "-trustDomainBundlePath",
                  withoutJwtAuthorities(bundle(partner())).toString()));
      awaitOurs(serving);
    }
    shop().admin("federation", "delete", "-id", "spiffe://" + PARTNER);
    shop().admin("bundle", "delete", "-id", "spiffe://" + PARTNER, "-mode", "dissociate");
    assertThat(bundleOfPartner()).isEmpty();
    try (BundleServer bundles = serving.serveBundle(loopback(), web.server())) {
      shop().admin(federate("https_web", url(bundles)));
      awaitOurs(serving);
    }
  }

  @Test
  @Order(4)
  void callsGoOnOverRotationAndARestartOfTheAgentAndEndWithTheEntry() throws Exception {
    requireNonNull(rotation).get(10, TimeUnit.MINUTES);
  }

  /** What SPIRE had before it fetched is less than the whole. */
  private void awaitOurs(MeshRuntime serving) {
    TrustBundle served = serving.identity().bundles().get(PARTNER);
    Eventually.await(
        () -> "our bundle at SPIRE, instead of: " + bundleOfPartner(),
        Duration.ofMinutes(1),
        () -> {
          shop().admin("federation", "refresh", "-id", "spiffe://" + PARTNER);
          String taken = bundleOfPartner();
          return !taken.isEmpty()
              && parsed(taken).x509().equals(served)
              && parsed(taken).jwt().authorities().size() == 1;
        });
  }

  private static SpiffeBundle parsed(String bundle) {
    try {
      return SpiffeBundle.parse(PARTNER, bundle.getBytes(UTF_8));
    } catch (MalformedBundleException e) {
      throw new AssertionError(bundle, e);
    }
  }

  private static Path withoutJwtAuthorities(Path bundle) throws Exception {
    JsonNode document = EventCodec.readTree(Files.readAllBytes(bundle));
    Iterator<JsonNode> keys = document.path("keys").elements();
    while (keys.hasNext()) {
      if (keys.next().path("use").asText().equals("jwt-svid")) {
        keys.remove();
      }
    }
    return Files.writeString(file("bundle"), document.toString());
  }

  /** What shop.test's server knows of partner.test; empty if nothing. */
  private String bundleOfPartner() {
    try {
      return shop().admin("bundle", "list", "-id", "spiffe://" + PARTNER, "-format", "spiffe");
    } catch (IllegalStateException e) {
      assertThat(e).hasMessageContaining("bundle not found");
      return "";
    }
  }

  private String[] federateWithShop() throws Exception {
    return new String[] {
      "federation",
      "create",
      "-trustDomain",
      SHOP.name(),
      "-bundleEndpointProfile",
      "https_spiffe",
      "-bundleEndpointURL",
      shop().bundleEndpoint().toString(),
      "-endpointSpiffeID",
      shop().bundleEndpointId().toString(),
      "-trustDomainBundleFormat",
      "spiffe",
      "-trustDomainBundlePath",
      bundle(shop()).toString()
    };
  }

  private static String[] federate(String profile, URI url, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "federation",
                "create",
                "-trustDomain",
                PARTNER.name(),
                "-bundleEndpointProfile",
                profile,
                "-bundleEndpointURL",
                url.toString()));
    command.addAll(List.of(more));
    return command.toArray(String[]::new);
  }

  private static Path bundle(RealSpire spire) throws Exception {
    return Files.writeString(file("bundle"), spire.admin("bundle", "show", "-format", "spiffe"));
  }

  private static Path file(String name) throws Exception {
    return Files.createTempFile(directory, name, ".json");
  }

  private static SpiffeBundle parsed(TrustDomain domain, Path file) throws Exception {
    return SpiffeBundle.parse(domain, Files.readAllBytes(file));
  }

  private MeshRuntime orders(MeshRuntimeBuilder builder) throws Exception {
    Path policy =
        Files.writeString(
            file("policy"),
            """
            {"name": "orders", "allow_rules": [{
              "name": "partners",
              "source": {"principals": ["spiffe://partner.test/*"]},
              "request": {"paths": ["/meshward.test.Echo/*"]}}]}
            """);
    return closing(
        builder
            .workloadApi(shop().address())
            .spiffeId(ORDERS)
            .policy(policy)
            .withoutQuarantine()
            .start());
  }

  private MeshRuntime buyer() {
    return closing(
        MeshRuntime.builder()
            .workloadApi(partner().address())
            .spiffeId(BUYER)
            .withoutEvents()
            .withoutQuarantine()
            .start());
  }

  private Server serve(MeshRuntime runtime) throws Exception {
    Server server = runtime.serverBuilder(loopback()).addService(Echo.service()).build().start();
    open.push(server::shutdownNow);
    return server;
  }

  private ManagedChannel dial(MeshRuntime runtime, Server server) {
    ManagedChannel channel = runtime.channelBuilder(Shop.target(server), ORDERS).build();
    open.push(channel::shutdownNow);
    return channel;
  }

  private MeshRuntime closing(MeshRuntime runtime) {
    open.push(runtime);
    return runtime;
  }

  private static boolean answers(ManagedChannel channel) {
    channel.resetConnectBackoff();
    try {
      return Echo.call(channel, "hello").equals(BUYER + " said hello");
    } catch (StatusRuntimeException notYet) {
      return false;
    }
  }

  private static void assertRefused(ManagedChannel channel) {
    channel.resetConnectBackoff();
    assertThatThrownBy(() -> Echo.call(channel, "hello"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static URI url(BundleServer bundles) {
    return URI.create("https://127.0.0.1:" + bundles.address().getPort() + "/");
  }
}
