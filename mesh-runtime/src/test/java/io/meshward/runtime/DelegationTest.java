package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Delegation over real calls: {@code frontend} lets {@code orders} act for it at {@code payment}.
 * What is forged is sent by {@code orders} itself.
 */
@TestInstance(Lifecycle.PER_CLASS)
class DelegationTest {
  private static final String ALLOW_ALL =
      "{\"name\": \"all\", \"allow_rules\": [{\"name\": \"all\"}]}";

  private final Shop shop = new Shop();
  private final TestTrustDomain domain = shop.mesh.trustDomain();
  private final SpiffeId payment = id("payment");
  private final RecordingSink events = new RecordingSink();
  private final HeldIdentities holds = HeldIdentities.none();
  private final Queue<List<SpiffeId>> seen = new ConcurrentLinkedQueue<>();
  private final DelegationChains chains = new DelegationChains(domain, Clock.systemUTC());
  private final Path policy = Files.createTempFile("policy", ".json");
  private final Path strict = Files.createTempFile("strict", ".json");
  private final Server paymentServer;
  private final ManagedChannel ordersToPayment;
  private final ManagedChannel frontendToOrders;

  DelegationTest() throws IOException {
    Files.writeString(policy, ALLOW_ALL, UTF_8);
    Files.writeString(shop.policy, ALLOW_ALL, UTF_8);
    paymentServer = serve(paymentRuntime(UnaryOperator.identity()), noting());
    MeshRuntime orders = shop.ordersRuntime();
    ordersToPayment = shop.dial(orders, paymentServer, payment);
    ManagedChannel onwards =
        orders.channelBuilder(Shop.target(paymentServer), payment).delegating().build();
    Server ordersServer = serve(orders, calling(onwards));
    frontendToOrders =
        shop.frontendRuntime()
            .channelBuilder(Shop.target(ordersServer), shop.orders)
            .delegating()
            .build();
  }

  @AfterAll
  void close() throws IOException {
    frontendToOrders.shutdownNow();
    shop.close();
    Files.deleteIfExists(policy);
    Files.deleteIfExists(strict);
  }

  @BeforeEach
  void clear() {
    events.clear();
    seen.clear();
  }

  @Test
  void aCallIsMadeOnBehalfOfWhoeverItIsMadeFor() {
    assertThat(Echo.call(frontendToOrders, "hello")).contains("frontend");

    assertThat(seen.remove()).containsExactly(shop.frontend);
    AuthzDecision event = events.await(AuthzDecision.class, any -> true);
    assertThat(event.peer().id()).isEqualTo(shop.orders);
    assertThat(requireNonNull(event.delegation()).chain()).containsExactly(shop.frontend);
    assertThat(shop.serverEvents.await(AuthzDecision.class, any -> true).delegation())
        .as("frontend calls orders for itself")
        .isNull();
  }

  @Test
  void thePolicyHasToAllowTheCallToBoth() throws IOException {
    Server server = serve(strictPayment(), noting());
    ManagedChannel channel = shop.dial(shop.ordersRuntime(), server, payment);

    assertThat(Echo.call(channel, "for itself")).contains("orders");
    StatusRuntimeException failure =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () -> call(channel, chain(List.of(shop.frontend, shop.orders), payment)));

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    AuthzDecision event =
        events.await(AuthzDecision.class, any -> any.authz().decision() == Decision.DENY);
    assertThat(event.authz().reason()).isEqualTo("on_behalf_of_refused");
    assertThat(event.authz().engine()).isEqualTo("policy");
    assertThat(requireNonNull(event.delegation()).chain()).containsExactly(shop.frontend);
  }

  @Test
  void opaHasToAllowTheCallToBothAsWell() throws IOException {
    try (FakeOpa opa = new FakeOpa()) {
      Server server =
          serve(
              paymentRuntime(
                  builder ->
                      builder.opa(OpaOptions.at(opa.address()).timeout(Duration.ofSeconds(10)))),
              noting());
      ManagedChannel channel = shop.dial(shop.ordersRuntime(), server, payment);
      String links = chain(List.of(shop.frontend, shop.orders), payment);

      for (SpiffeId refused : List.of(shop.frontend, shop.orders)) {
        opa.answers(input -> result(!principal(input).equals(refused.toString())));
        clear();
        StatusRuntimeException failure =
            catchThrowableOfType(StatusRuntimeException.class, () -> call(channel, links));

        assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
        AuthzDecision event = events.await(AuthzDecision.class, any -> true);
        assertThat(event.authz().decision()).isEqualTo(Decision.DENY);
        assertThat(event.authz().reason()).isEqualTo("opa_denied");
        assertThat(event.authz().engine()).isEqualTo("opa");
        assertThat(event.peer().id()).isEqualTo(shop.orders);
        assertThat(requireNonNull(event.delegation()).chain()).containsExactly(shop.frontend);
        assertThat(seen).isEmpty();
      }

      int before = opa.asked().size();
      opa.answers(input -> result(true));
      assertThat(call(channel, links)).contains("orders");
      assertThat(opa.asked().subList(before, opa.asked().size()))
          .extracting(asked -> principal(asked.body().path("input")))
          .containsExactlyInAnyOrder(shop.orders.toString(), shop.frontend.toString());
    }
  }

  private static String principal(JsonNode input) {
    return input.at("/attributes/source/principal").asText();
  }

  private static String result(boolean allowed) {
    return "{\"result\": " + allowed + "}";
  }

  @Test
  void aHeldOriginatorIsRefusedThroughOthersToo() {
    String links = chain(List.of(shop.frontend, shop.orders), payment);
    assertThat(call(ordersToPayment, links)).contains("orders");

    var hold = holds.place(Subject.of(shop.frontend), "c1");
    assertRefused(links, "quarantined");
    holds.release(hold);
    assertThat(call(ordersToPayment, links)).contains("orders");
  }

  @Test
  void aHoldThatMeetsAProtectedOriginatorIsRefusedLoudlyAndOnce() {
    ManagedChannel channel =
        shop.dial(
            shop.ordersRuntime(),
            shop.serve(
                paymentRuntime(builder -> builder.protectedIdentities(shop.frontend.toString()))),
            payment);
    var hold =
        holds.place(
            new Subject(Subject.Kind.PATH_PREFIX, domain.name(), shop.frontend.path()), "c1");

    for (int call = 0; call < 2; call++) {
      assertThat(call(channel, chain(List.of(shop.frontend, shop.orders), payment)))
          .contains("orders");
    }

    assertThat(events.of(Enforcement.class))
        .extracting(event -> event.enforcement().outcome())
        .containsOnlyOnce(Outcome.REFUSED_PROTECTED);
    holds.release(hold);
  }

  @Test
  void aChainGoesThroughFourActorsAndNoFurther() {
    List<SpiffeId> hops = new ArrayList<>(List.of(id("a"), id("b"), id("c"), id("d")));
    hops.add(shop.orders);

    assertThat(call(ordersToPayment, chain(hops, payment))).contains("orders");
    assertThat(seen.remove()).containsExactlyElementsOf(hops.subList(0, 4));

    hops.addFirst(id("z"));
    assertRefused(chain(hops, payment), "delegation_too_long");
  }

  Stream<Arguments> forged() {
    SpiffeId mallory = id("mallory");
    SpiffeId frontend = shop.frontend;
    SpiffeId orders = shop.orders;
    Instant now = Instant.now();
    String first = link(frontend, orders);
    List<SpiffeId> actor = List.of(orders);
    X509Svid own = svid(orders);
    X509Svid over =
        X509Svids.of(domain.issue(orders, IssueOptions.DEFAULT.with(Variation.EXPIRED)));
    X509Svid authority =
        new X509Svid(orders, domain.x509Authorities(), svid(mallory).privateKey(), null);
    X509Svid foreign = X509Svids.of(TestTrustDomain.create("shop.test").issue(orders));
    return Stream.of(
        row("first for another", forFrontend(link(frontend, mallory), payment), "audience"),
        row("only the link to the peer", first, "audience"),
        row(
            "expired",
            DelegationChains.second(first, own, frontend, actor, payment, now.minusSeconds(90), 60),
            "expired"),
        row(
            "issued in the future",
            DelegationChains.second(first, own, frontend, actor, payment, now.plusSeconds(60), 60),
            "not_yet_valid"),
        row(
            "lives too long",
            DelegationChains.second(first, own, frontend, actor, payment, now, 3_000),
            "lifetime"),
        row(
            "signed by another key",
            DelegationChains.second(
                first, withKeyOf(own, svid(mallory)), frontend, actor, payment, now, 60),
            "signature"),
        row(
            "signed by an unknown authority's",
            DelegationChains.second(first, foreign, frontend, actor, payment, now, 60),
            "signer"),
        row(
            "signed with an SVID that is over",
            DelegationChains.second(first, over, frontend, actor, payment, now, 60),
            "signer"),
        row(
            "signed as an authority",
            DelegationChains.second(first, authority, frontend, actor, payment, now, 60),
            "signer"),
        row("actor is not the TLS peer", chain(List.of(frontend, mallory), payment), "peer"),
        row("originator is not the TLS peer", link(frontend, payment), "peer"),
        row(
            "another originator than the first link's",
            DelegationChains.second(first, own, mallory, actor, payment, now, 60),
            "chain"),
        row(
            "actor who signed nothing",
            DelegationChains.second(
                first, own, frontend, List.of(orders, mallory), payment, now, 60),
            "chain"),
        row(
            "link of another chain",
            first + "," + forFrontend(link(frontend, mallory), payment).split(",", 2)[1],
            "chain"),
        row("without the first link", forFrontend(first, payment).split(",", 2)[1], "chain"),
        row(
            "a JWT-SVID instead",
            domain.issueJwt(orders, Set.of(payment.toString()), Duration.ofMinutes(1)),
            "malformed"),
        row("junk", "junk", "malformed"),
        row("an empty link", first + ",", "malformed"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("forged")
  void whatIsForgedIsRefused(String name, String links, String reason) {
    assertRefused(links, reason);
  }

  @Test
  void aChannelSendsNoDelegationThatWouldComeBack() {
    DelegationIssuer issuer = issuer(shop.orders);
    Delegation received = new Delegation(List.of(), link(shop.frontend, shop.orders));

    assertThat(issuer.links(received, payment)).startsWith(received.tokens() + ",");
    assertThat(issuer.links(received, payment))
        .as("used again for the next call")
        .isEqualTo(issuer.links(received, payment));
    assertThatThrownBy(() -> issuer.links(received, shop.frontend))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("come back to " + shop.frontend);
    assertThatThrownBy(() -> issuer.links(received, shop.orders))
        .isInstanceOf(MeshRuntimeException.class);
  }

  @Test
  void aChannelSendsNoDelegationThatIsTooLong() {
    String full = chain(List.of(id("a"), id("b"), id("c"), id("d"), id("e")), shop.orders);

    assertThatThrownBy(() -> issuer(shop.orders).links(new Delegation(List.of(), full), payment))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("too long");
  }

  @Test
  void changedLinksAreRefused() {
    Admission admission = X509Svids.admission(domain, payment);
    DelegationVerifier verifier =
        new DelegationVerifier(() -> payment, admission, Duration.ZERO, Clock.systemUTC());
    String good = chain(List.of(shop.frontend, shop.orders), payment);
    assertThat(verifier.judge(good, shop.orders).chain()).containsExactly(shop.frontend);
    for (long seed = 0; seed < 2_000; seed++) {
      byte[] bytes = Seeded.changed(good.getBytes(UTF_8), Seeded.random(seed));
      String changed = new String(bytes, UTF_8);
      assertThatThrownBy(() -> verifier.judge(changed, shop.orders))
          .as("seed " + seed)
          .isInstanceOf(EvidenceRejectedException.class);
    }
  }

  private static Arguments row(String name, String links, String reason) {
    return Arguments.of(name, links, "delegation_" + reason);
  }

  /** Serves {@link Echo} behind an interceptor. */
  private Server serve(MeshRuntime runtime, ServerInterceptor interceptor) throws IOException {
    return shop.closing(
        runtime
            .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(Echo.service())
            .intercept(interceptor)
            .build()
            .start());
  }

  /** Notes on whose behalf calls are made. */
  private ServerInterceptor noting() {
    return before(
        () ->
            Delegation.current()
                .ifPresent(
                    delegation -> {
                      assertThat(delegation.originator()).isEqualTo(delegation.chain().get(0));
                      seen.add(delegation.chain());
                    }));
  }

  /** Calls another server for each call that is served. */
  private static ServerInterceptor calling(Channel onwards) {
    return before(() -> assertThat(Echo.call(onwards, "onwards")).contains("orders"));
  }

  private static ServerInterceptor before(Runnable action) {
    return new ServerInterceptor() {
      @Override
      public <Q, R> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        assertThat(headers.containsKey(DelegationVerifier.KEY)).isFalse();
        action.run();
        return next.startCall(call, headers);
      }
    };
  }

  /** Serves orders only. */
  private MeshRuntime strictPayment() throws IOException {
    Files.writeString(
        strict,
        """
        {"name": "strict", "allow_rules": [{
          "name": "orders", "source": {"principals": ["spiffe://shop.test/ns/shop/sa/orders"]}}]}
        """,
        UTF_8);
    return paymentRuntime(builder -> builder.policy(strict));
  }

  private MeshRuntime paymentRuntime(UnaryOperator<MeshRuntimeBuilder> more) {
    return shop.closing(
        more.apply(
                MeshRuntime.builder()
                    .workloadApi(shop.mesh.addressFor(payment))
                    .policy(policy)
                    .events(events)
                    .quarantine(holds))
            .start());
  }

  private SpiffeId id(String name) {
    return domain.name().id("/ns/shop/sa/" + name);
  }

  private X509Svid svid(SpiffeId id) {
    return chains.svid(id);
  }

  private static X509Svid withKeyOf(X509Svid svid, X509Svid other) {
    return new X509Svid(svid.id(), svid.chain(), other.privateKey(), null);
  }

  private DelegationIssuer issuer(SpiffeId id) {
    return new DelegationIssuer(X509Svids.own(svid(id), domain), Clock.systemUTC());
  }

  private String link(SpiffeId from, SpiffeId to) {
    return chains.link(from, to);
  }

  private String chain(List<SpiffeId> hops, SpiffeId server) {
    return chains.chain(hops, server);
  }

  /** A chain of which the second link is by {@code orders}, for {@code frontend}. */
  private String forFrontend(String first, SpiffeId to) {
    Instant now = Instant.now();
    return DelegationChains.second(
        first, svid(shop.orders), shop.frontend, List.of(shop.orders), to, now, 60);
  }

  private static String call(Channel channel, String links) {
    Metadata headers = new Metadata();
    headers.put(DelegationVerifier.KEY, links);
    return Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
        "hello");
  }

  private void assertRefused(String links, String reason) {
    clear();
    StatusRuntimeException failure =
        catchThrowableOfType(StatusRuntimeException.class, () -> call(ordersToPayment, links));

    assertThat(failure).as(reason).isNotNull();
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    AuthzDecision event = events.await(AuthzDecision.class, any -> true);
    assertThat(event.authz().reason()).isEqualTo(reason);
    assertThat(event.authz().engine()).isEqualTo("credentials");
    assertThat(event.authz().decision()).isEqualTo(Decision.DENY);
    assertThat(event.peer().id()).isEqualTo(shop.orders);
    assertThat(seen).isEmpty();
  }
}
