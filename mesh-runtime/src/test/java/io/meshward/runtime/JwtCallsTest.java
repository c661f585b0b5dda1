package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jwt.JWTClaimsSet;
import io.grpc.CallOptions;
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
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.WorkloadEntry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * JWT-SVIDs that come with calls: verified, asked about by the policy, or refused with a reason.
 */
class JwtCallsTest {
  private static final Duration LIFE = Duration.ofMinutes(5);

  private final Shop shop = new Shop();
  private final TestTrustDomain domain = shop.mesh.trustDomain();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void thePolicyCanAskForTheClaimsOfAGoodToken() throws IOException {
    Files.writeString(
        shop.policy,
        """
        {"name": "orders", "allow_rules": [{"name": "with token", "when": [
          {"key": "jwt.sub", "values": ["spiffe://shop.test/ns/shop/sa/frontend"]},
          {"key": "jwt.aud", "values": ["orders"]}]}]}
        """,
        UTF_8);
    ManagedChannel channel = channel(JwtOptions.forAudience("orders", "shop"));

    assertThat(call(channel, bearer(token(shop.frontend, "orders")))).contains("frontend");
    AuthzDecision.Jwt seen = requireNonNull(await(Decision.ALLOW).jwt());
    assertThat(seen.sub()).isEqualTo(shop.frontend.toString());
    assertThat(seen.aud()).containsExactly("orders");
    assertThat(seen.kid()).isNotNull();
    assertThat(seen.hash()).hasSize(64);
    assertThat(seen.exp()).isAfter(Instant.now());

    shop.serverEvents.clear();
    assertRefused(channel, new Metadata(), "no_rule");
    assertThat(await(Decision.DENY).jwt()).as("there was no token").isNull();
  }

  @Test
  void theServiceIsGivenTheVerifiedToken() throws IOException {
    Queue<Optional<JwtSvid>> seen = new ConcurrentLinkedQueue<>();
    ServerInterceptor keeper =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            seen.add(JwtSvid.current());
            return next.startCall(call, headers);
          }
        };
    Server server =
        shop.closing(
            shop.ordersRuntime(orders -> orders.jwt(JwtOptions.forAudience("orders")))
                .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(Echo.service())
                .intercept(keeper)
                .build()
                .start());
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, server);

    ClientCalls.blockingUnaryCall(
        channel,
        Echo.WHO,
        CallOptions.DEFAULT.withCallCredentials(frontend.jwtSvids().callCredentials("orders")),
        "hello");
    Echo.call(channel, "hello");

    assertThat(seen.remove().orElseThrow().id()).isEqualTo(shop.frontend);
    assertThat(seen.remove()).isEmpty();
    assertThat(JwtSvid.current()).isEmpty();
  }

  @Test
  void aBadTokenIsRefusedWhateverThePolicySays() {
    ManagedChannel channel = channel(JwtOptions.forAudience("orders"));
    TestTrustDomain other = TestTrustDomain.create("other.test");

    assertRefused(channel, bearer(token(shop.frontend, "payment")), "jwt_aud");
    assertThat(requireNonNull(last().jwt()).aud()).containsExactly("payment");
    assertRefused(
        channel,
        bearer(domain.issueJwt(shop.frontend, Set.of("orders"), Duration.ofSeconds(-1))),
        "jwt_expired");
    assertRefused(
        channel, bearer(other.issueJwt(shop.frontend, Set.of("orders"), LIFE)), "jwt_unknown_key");
    assertRefused(
        channel,
        bearer(other.issueJwt(other.name().id("/a"), Set.of("orders"), LIFE)),
        "jwt_unknown_trust_domain");
    String good = token(shop.frontend, "orders");
    assertRefused(
        channel, bearer(good.substring(0, good.lastIndexOf('.') + 1) + "AAAA"), "jwt_signature");
    assertRefused(channel, bearer("junk"), "jwt_malformed");
    assertThat(requireNonNull(last().jwt()).sub()).isNull();
    assertThat(last().authz().engine()).isEqualTo("credentials");
    Metadata twice = bearer(good);
    twice.merge(bearer(good));
    assertRefused(channel, twice, "jwt_malformed");
    assertThat(call(channel, bearer(good))).contains("frontend");
  }

  @Test
  void aTokenIsOfTheIdentityThatTheRuntimeChose() {
    SpiffeId batch = domain.name().id("/ns/shop/sa/batch");
    shop.mesh
        .workload(shop.frontend)
        .serve(
            WorkloadEntry.of(batch),
            WorkloadEntry.of(shop.frontend).hint("internal"),
            WorkloadEntry.of(shop.frontend).hint("external"));
    Server server =
        shop.serve(shop.ordersRuntime(orders -> orders.jwt(JwtOptions.forAudience("orders"))));

    for (UnaryOperator<MeshRuntimeBuilder> chosen :
        List.<UnaryOperator<MeshRuntimeBuilder>>of(
            frontend -> frontend.spiffeId(shop.frontend), frontend -> frontend.hint("internal"))) {
      shop.serverEvents.clear();
      MeshRuntime frontend = shop.frontendRuntime(chosen);
      String answer =
          ClientCalls.blockingUnaryCall(
              shop.dial(frontend, server),
              Echo.WHO,
              CallOptions.DEFAULT.withCallCredentials(
                  frontend.jwtSvids().callCredentials("orders")),
              "hello");

      assertThat(answer).contains("frontend");
      assertThat(requireNonNull(await(Decision.ALLOW).jwt()).sub())
          .isEqualTo(shop.frontend.toString());
    }
  }

  @Test
  void aTokenIsOnlyGoodFromThePeerThatItIsAbout() {
    ManagedChannel channel = channel(JwtOptions.forAudience("orders"));

    assertRefused(channel, bearer(token(shop.orders, "orders")), "jwt_peer");
  }

  @Test
  void aCarrierPresentsTokensOfOthersAndNobodyElseTheSameOnes() {
    SpiffeId user = domain.name().id("/user/alice");
    SpiffeId second = domain.name().id("/ns/shop/sa/second");
    allowAll();
    Server server =
        shop.serve(
            shop.ordersRuntime(
                orders ->
                    orders.jwt(
                        JwtOptions.forAudience("orders")
                            .carriers("spiffe://shop.test/ns/shop/*"))));
    ManagedChannel first = shop.dial(shop.frontendRuntime(), server);
    MeshRuntime secondRuntime =
        shop.closing(
            MeshRuntime.builder()
                .workloadApi(shop.mesh.addressFor(second))
                .events(shop.clientEvents)
                .quarantine(shop.clientHolds)
                .start());
    ManagedChannel other = shop.dial(secondRuntime, server);
    Metadata bearer = bearer(token(user, "orders"));

    assertThat(call(first, bearer)).contains("frontend");
    assertThat(call(first, bearer)).contains("frontend");
    assertRefused(other, bearer, "jwt_replayed");
    assertThat(last().peer().id()).isEqualTo(second);
    assertThat(call(other, bearer(token(user, "orders")))).contains("second");
  }

  @Test
  void aTokenIsGoodForNoMoreCallsThanIsSaidAndIsKnownByItsJtiOrItsHash() {
    ManagedChannel channel = channel(JwtOptions.forAudience("orders").mostUses(1));
    Metadata bearer = bearer(token(shop.frontend, "orders"));
    assertThat(call(channel, bearer)).contains("frontend");
    assertRefused(channel, bearer, "jwt_replayed");

    assertThat(call(channel, bearer(withJti("one", 300)))).contains("frontend");
    assertRefused(channel, bearer(withJti("one", 301)), "jwt_replayed");
    assertThat(requireNonNull(last().jwt()).jti()).isEqualTo("one");
    assertThat(call(channel, bearer(withJti("two", 300)))).contains("frontend");
  }

  @Test
  void aTokenOfAHeldIdentityIsRefusedUnlessItWasIssuedSince() {
    SpiffeId user = domain.name().id("/user/alice");
    ManagedChannel channel =
        channel(JwtOptions.forAudience("orders").carriers("spiffe://shop.test/*"));
    Metadata bearer = bearer(token(user, "orders"));
    assertThat(call(channel, bearer)).contains("frontend");

    shop.serverHolds.place(Subject.of(user), "c1");

    assertRefused(channel, bearer, "quarantined");
    assertThat(requireNonNull(last().jwt()).sub()).isEqualTo(user.toString());
  }

  @Test
  void aHoldThatMeetsAProtectedIdentityInATokenOnlyIsRefusedLoudlyAndOnce() {
    SpiffeId user = domain.name().id("/user/alice");
    Server server =
        shop.serve(
            shop.ordersRuntime(
                orders ->
                    orders
                        .protectedIdentities(user.toString())
                        .jwt(JwtOptions.forAudience("orders").carriers("spiffe://shop.test/*"))));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    shop.serverHolds.place(new Subject(Subject.Kind.PATH_PREFIX, domain.name(), "/user"), "c1");
    assertThat(outcomes()).containsExactly(Outcome.APPLIED);

    assertThat(call(channel, bearer(token(user, "orders")))).contains("frontend");
    assertThat(call(channel, bearer(token(user, "orders")))).contains("frontend");

    assertThat(outcomes()).containsExactly(Outcome.APPLIED, Outcome.REFUSED_PROTECTED);
    Metadata bob = bearer(token(domain.name().id("/user/bob"), "orders"));
    assertRefused(channel, bob, "quarantined");
  }

  private List<Outcome> outcomes() {
    return shop.serverEvents.of(Enforcement.class).stream()
        .map(event -> event.enforcement().outcome())
        .toList();
  }

  @ParameterizedTest
  @EnumSource(
      value = Subject.Kind.class,
      names = {"SPIFFE_ID", "PATH_PREFIX", "TRUST_DOMAIN"})
  void aHoldOnTokensIssuedBeforeAnInstantLetsThoseIssuedSinceIn(Subject.Kind kind) {
    TestTrustDomain users = TestTrustDomain.create("users.test");
    domain.federateWith(users);
    SpiffeId user = users.name().id("/user/alice");
    ManagedChannel channel =
        channel(JwtOptions.forAudience("orders").carriers("spiffe://shop.test/*"));
    Metadata bearer = bearer(users.issueJwt(user, Set.of("orders"), LIFE));
    assertThat(call(channel, bearer)).contains("frontend");
    QuarantineKey key =
        new QuarantineKey(
            switch (kind) {
              case PATH_PREFIX -> new Subject(kind, users.name(), "/user");
              case TRUST_DOMAIN -> new Subject(kind, users.name(), users.name().name());
              default -> Subject.of(user);
            },
            "c1");

    shop.serverHolds.place(new Hold(key, Instant.now(), null, Instant.now().plusSeconds(60)));
    assertRefused(channel, bearer, "quarantined");

    shop.serverHolds.place(new Hold(key, Instant.now(), null, Instant.now().minusSeconds(60)));
    assertThat(call(channel, bearer)).as("issued since").contains("frontend");
  }

  @Test
  void withoutOptionsTheHeaderIsLeftToTheService() {
    Server server = shop.serve(shop.ordersRuntime());

    assertThat(call(shop.dial(shop.frontendRuntime(), server), bearer("junk")))
        .contains("frontend");
    assertThat(await(Decision.ALLOW).jwt()).isNull();
  }

  @Test
  void anotherSchemeIsNoToken() {
    Metadata basic = new Metadata();
    basic.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Basic YTpi");

    assertThat(call(channel(JwtOptions.forAudience("orders")), basic)).contains("frontend");
  }

  @Test
  void theMemoryOfUsesIsBoundedAndForgetsNoLiveToken() {
    Instant now = Instant.now();
    Instant soon = now.plusSeconds(5);
    Instant late = now.plusSeconds(50);
    TokenUses uses = new TokenUses(1, 2);
    assertThat(uses.use("a", shop.frontend, 9, soon, now)).isEqualTo(TokenUses.Use.GOOD);
    assertThat(uses.use("b", shop.frontend, 9, late, now)).isEqualTo(TokenUses.Use.GOOD);
    assertThat(uses.use("c", shop.frontend, 9, late, now)).isEqualTo(TokenUses.Use.NO_ROOM);
    assertThat(uses.use("a", shop.frontend, 9, soon, now)).isEqualTo(TokenUses.Use.REPLAYED);

    Instant later = now.plusSeconds(10);
    assertThat(uses.use("c", shop.frontend, 9, late, later)).isEqualTo(TokenUses.Use.GOOD);
    assertThat(uses.use("b", shop.frontend, 9, late, later)).isEqualTo(TokenUses.Use.REPLAYED);
  }

  @Test
  void aCarrierThatFloodsTakesTheRoomOfNobodyElse() {
    Instant now = Instant.now();
    Instant soon = now.plusSeconds(5);
    TokenUses uses = new TokenUses(1, TokenUses.MOST);
    for (int i = 0; i < TokenUses.MOST_OF_ONE; i++) {
      assertThat(uses.use("flood " + i, shop.frontend, TokenUses.MOST_OF_ONE, soon, now))
          .isEqualTo(TokenUses.Use.GOOD);
    }
    assertThat(uses.use("one more", shop.frontend, TokenUses.MOST_OF_ONE, soon, now))
        .isEqualTo(TokenUses.Use.NO_ROOM);
    assertThat(uses.use("another", shop.orders, TokenUses.MOST_OF_ONE, soon, now))
        .isEqualTo(TokenUses.Use.GOOD);

    assertThat(
            uses.use(
                "one more",
                shop.frontend,
                TokenUses.MOST_OF_ONE,
                now.plusSeconds(50),
                now.plusSeconds(10)))
        .as("the others are over")
        .isEqualTo(TokenUses.Use.GOOD);
  }

  @Test
  void aPeerWhoseTokensWaitToBeVerifiedIsInTheWayOfNobodyElse() {
    Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    OwnIdentity own = new OwnIdentity(Clock.systemUTC());
    Trust trust = new Trust();
    EvidenceVerifier evidence =
        new EvidenceVerifier(
            null,
            new DelegationVerifier(
                own::id,
                new Admission(own, trust, Clock.systemUTC(), SvidProfile.STRICT),
                Duration.ZERO,
                Clock.systemUTC()),
            new TrustedProxies(IdentityPatterns.NONE, trust, Clock.systemUTC()),
            waiting::add);

    for (int i = 0; i < 32; i++) {
      assertThat(evidence.of(delegated(), shop.frontend)).isNotDone();
    }
    assertThat(evidence.of(delegated(), shop.frontend))
        .isCompletedWithValueMatching(
            given -> "verification_overloaded".equals(given.refusal()), "refused at once");
    assertThat(evidence.of(delegated(), shop.orders)).isNotDone();

    waiting.remove().run();
    assertThat(evidence.of(delegated(), shop.frontend)).isNotDone();
    assertThat(evidence.of(delegated(), shop.frontend))
        .isCompletedWithValueMatching(
            given -> "verification_overloaded".equals(given.refusal()), "refused at once");
  }

  private static Metadata delegated() {
    Metadata headers = new Metadata();
    headers.put(DelegationVerifier.KEY, "a.b.c");
    return headers;
  }

  @Test
  void aTokenIsTakenAsLongAfterItsEndAsTheLeewayAllows() {
    String over = domain.issueJwt(shop.frontend, Set.of("orders"), Duration.ofSeconds(-20));
    UnaryOperator<MeshRuntimeBuilder> jwt = orders -> orders.jwt(JwtOptions.forAudience("orders"));
    MeshRuntime frontend = shop.frontendRuntime();
    Server lenient =
        shop.serve(
            shop.ordersRuntime(orders -> jwt.apply(orders).jwtLeeway(Duration.ofMinutes(1))));
    Server strict =
        shop.serve(
            shop.ordersRuntime(orders -> jwt.apply(orders).jwtLeeway(Duration.ofSeconds(10))));

    assertThat(call(shop.dial(frontend, lenient), bearer(over))).contains("frontend");
    assertRefused(shop.dial(frontend, strict), bearer(over), "jwt_expired");
    assertThatThrownBy(() -> MeshRuntime.builder().jwtLeeway(Duration.ofSeconds(61)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT1M1S");
  }

  @Test
  void optionsSayWhatIsWrongWithThem() {
    assertThatThrownBy(() -> JwtOptions.forAudience())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("audience");
    assertThatThrownBy(() -> JwtOptions.forAudience("a").mostUses(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 calls");
    assertThatThrownBy(() -> JwtOptions.forAudience("a").carriers("spiffe://a/b*"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("spiffe://a/b*");
  }

  private void allowAll() {
    try {
      Files.writeString(
          shop.policy, "{\"name\": \"all\", \"allow_rules\": [{\"name\": \"all\"}]}", UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private String token(SpiffeId id, String audience) {
    return domain.issueJwt(id, Set.of(audience), LIFE);
  }

  private String withJti(String jti, int seconds) {
    return domain.signJwt(
        new JWSHeader.Builder(JWSAlgorithm.ES256).type(JOSEObjectType.JWT).build(),
        new JWTClaimsSet.Builder()
            .subject(shop.frontend.toString())
            .audience("orders")
            .jwtID(jti)
            .expirationTime(Date.from(Instant.now().plusSeconds(seconds)))
            .build());
  }

  private ManagedChannel channel(JwtOptions options) {
    UnaryOperator<MeshRuntimeBuilder> more = orders -> orders.jwt(options);
    return shop.dial(shop.frontendRuntime(), shop.serve(shop.ordersRuntime(more)));
  }

  private static Metadata bearer(String token) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "bearer " + token);
    return headers;
  }

  private static String call(Channel channel, Metadata headers) {
    return Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
        "hello");
  }

  private AuthzDecision await(Decision decision) {
    return shop.serverEvents.await(
        AuthzDecision.class, event -> event.authz().decision() == decision);
  }

  private AuthzDecision last() {
    return shop.serverEvents.of(AuthzDecision.class).getLast();
  }

  private void assertRefused(Channel channel, Metadata headers, String reason) {
    int before = shop.serverEvents.of(AuthzDecision.class).size();
    StatusRuntimeException failure =
        catchThrowableOfType(StatusRuntimeException.class, () -> call(channel, headers));

    assertThat(failure).as(reason).isNotNull();
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(failure.getStatus().getDescription()).isEqualTo("refused");
    assertThat(shop.serverEvents.of(AuthzDecision.class)).hasSize(before + 1);
    assertThat(last().authz().reason()).isEqualTo(reason);
    assertThat(last().authz().decision()).isEqualTo(Decision.DENY);
  }
}
