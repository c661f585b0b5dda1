package io.meshward.runtime;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.TestWorkloadApi;
import io.meshward.testkit.WorkloadEntry;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesResponse;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JwtSvidsTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId BATCH = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/batch");

  private final TestMesh mesh = TestMesh.start("shop.test");
  private final TestTrustDomain domain = mesh.trustDomain();
  private final TestWorkloadApi api = mesh.workload(ORDERS);
  private final RecordingSink events = new RecordingSink();
  private final MeshRuntime runtime =
      MeshRuntime.builder().workloadApi(api.address()).events(events).withoutQuarantine().start();

  @AfterEach
  void close() {
    runtime.close();
    mesh.close();
  }

  @Test
  void asksForNoBundlesBeforeTheyAreNeeded() {
    assertThat(api.calls().fetchJwtBundles()).isZero();

    runtime.jwtSvids().validate(token("payment"), "payment");

    assertThat(api.calls().fetchJwtBundles()).isEqualTo(1);
    assertThat(runtime.jwtSvids()).isSameAs(runtime.jwtSvids());
  }

  @Test
  void validatesATokenForItsAudience() {
    JwtSvid svid = runtime.jwtSvids().validate(token("payment"), "payment");

    assertThat(svid.id()).isEqualTo(ORDERS);
    assertThatThrownBy(() -> runtime.jwtSvids().validate(token("payment"), "shipping"))
        .isInstanceOf(JwtSvidRejectedException.class)
        .hasMessageContaining("jwt_aud");
  }

  @Test
  void followsTheRotationOfKeysAndTheEndOfOldOnes() {
    String old = token("payment");
    assertValid(old);

    domain.rotateJwtAuthority();
    assertValid(old);
    assertValid(token("payment"));
    domain.retireJwtAuthorities();
    awaitRefused(old, "jwt_unknown_key");
  }

  @Test
  void trustsFederatedTrustDomainsByTheirOwnKeysAndNoLonger() {
    TestTrustDomain partner = TestTrustDomain.create("partner.test");
    String token =
        partner.issueJwt(partner.name().id("/a"), Set.of("payment"), Duration.ofMinutes(5));
    String forged =
        domain.issueJwt(partner.name().id("/a"), Set.of("payment"), Duration.ofMinutes(5));
    awaitRefused(token, "jwt_unknown_trust_domain");

    domain.federateWith(partner);
    assertValid(token);
    awaitRefused(forged, "jwt_unknown_key");
    domain.stopFederatingWith(partner);
    awaitRefused(token, "jwt_unknown_trust_domain");
  }

  @Test
  void keepsTheBundlesWhenAMessageIsBad() {
    assertValid(token("payment"));
    for (JWTBundlesResponse bad :
        List.of(
            JWTBundlesResponse.getDefaultInstance(),
            bundles("spiffe://shop.test", "{}"),
            bundles("spiffe://shop.test", "junk"),
            bundles("no name", domain.jwtBundle()))) {
      api.sendRaw(bad);
      assertThat(runtime.jwtSvids().validate(token("payment"), "payment").id()).isEqualTo(ORDERS);
    }
    api.sendRaw(bundles("spiffe://shop.test", "{\"keys\":[]}"));
    awaitRefused(token("payment"), "jwt_unknown_key");
  }

  @Test
  void anUnknownKeyDoesNotCostTheOthers() {
    String mixed =
        domain
            .jwtBundle()
            .replace(
                "{\"keys\":[",
                "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"AA\"},"
                    + "{\"kty\":\"EC\",\"crv\":\"P-999\",\"kid\":\"b\",\"x\":\"AA\",\"y\":\"AA\"},");
    api.sendRaw(bundles("spiffe://shop.test", mixed));

    assertValid(token("payment"));
  }

  @Test
  void trustsNobodyOncePermissionIsDeniedAndAgainWhenItIsGiven() {
    assertValid(token("payment"));

    api.redact();
    awaitRefused(token("payment"), "PERMISSION_DENIED");
    api.resume();
    assertValid(token("payment"));
  }

  @Test
  void saysWhyThereAreNoBundles() {
    api.failWith(Status.UNIMPLEMENTED);

    awaitRefused(token("payment"), "UNIMPLEMENTED");
  }

  @Test
  void fetchesATokenForEachIdentityTheFirstOfEachHint() {
    api.serve(
        WorkloadEntry.of(ORDERS).hint("internal"),
        WorkloadEntry.of(BATCH).hint("internal"),
        WorkloadEntry.of(BATCH));

    List<JwtSvid> svids = runtime.jwtSvids().fetch(List.of("payment", "shipping"));

    assertThat(svids).extracting(JwtSvid::id).containsExactly(ORDERS, BATCH);
    assertThat(svids.get(0).hint()).isEqualTo("internal");
    assertThat(svids.get(1).hint()).isNull();
    assertThat(svids.get(0).audience()).containsExactlyInAnyOrder("payment", "shipping");
    assertValid(svids.get(0).token());
    SvidLifecycle event =
        events.await(SvidLifecycle.class, any -> any.svid().change() == Change.JWT_FETCHED);
    assertThat(event.svid().notAfter()).isEqualTo(svids.get(0).expiresAt());
  }

  @Test
  void fetchesATokenForOneIdentity() {
    api.serve(WorkloadEntry.of(ORDERS), WorkloadEntry.of(BATCH));

    assertThat(runtime.jwtSvids().fetch(BATCH, List.of("payment")).id()).isEqualTo(BATCH);
    assertThatThrownBy(
            () -> runtime.jwtSvids().fetch(domain.name().id("/other"), List.of("payment")))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("PERMISSION_DENIED");
  }

  @Test
  void needsAnAudienceToFetchFor() {
    long before = api.calls().fetchJwtSvid();

    assertThatThrownBy(() -> runtime.jwtSvids().fetch(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> runtime.jwtSvids().fetch(List.of("payment", "")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(api.calls().fetchJwtSvid()).isEqualTo(before);
  }

  @Test
  void sendsATokenWithEachCallThatTheServerCanVerify() throws Exception {
    AtomicReference<@Nullable String> sent = new AtomicReference<>();
    ServerInterceptor reads =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            sent.set(
                headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)));
            return next.startCall(call, headers);
          }
        };
    try (Shop shop = new Shop()) {
      Server server =
          shop.closing(
              shop.ordersRuntime()
                  .serverBuilder(0)
                  .addService(Echo.service())
                  .intercept(reads)
                  .build()
                  .start());
      MeshRuntime frontend = shop.frontendRuntime();
      ManagedChannel channel = shop.dial(frontend, server);
      CallCredentials credentials = frontend.jwtSvids().callCredentials("orders");

      for (int i = 0; i < 3; i++) {
        ClientCalls.blockingUnaryCall(
            channel, Echo.WHO, CallOptions.DEFAULT.withCallCredentials(credentials), "hello");
      }

      String bearer = requireNonNull(sent.get());
      assertThat(bearer).startsWith("Bearer ");
      assertThat(frontend.jwtSvids().validate(bearer.substring(7), "orders").id())
          .isEqualTo(shop.frontend);
      assertThat(shop.mesh.workload(shop.frontend).calls().fetchJwtSvid()).isEqualTo(1);
    }
  }

  @Test
  void sendsNoTokenWithoutTls() throws Exception {
    Server plain =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(Echo.service())
            .build()
            .start();
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(Shop.target(plain)).usePlaintext().build();
    try {
      CallCredentials credentials = runtime.jwtSvids().callCredentials("orders");
      assertThatThrownBy(
              () ->
                  ClientCalls.blockingUnaryCall(
                      channel,
                      Echo.WHO,
                      CallOptions.DEFAULT.withCallCredentials(credentials),
                      "hello"))
          .isInstanceOf(StatusRuntimeException.class);
      assertThat(api.calls().fetchJwtSvid()).isZero();
      assertThatThrownBy(() -> runtime.jwtSvids().callCredentials(""))
          .isInstanceOf(IllegalArgumentException.class);
    } finally {
      channel.shutdownNow();
      plain.shutdownNow();
    }
  }

  @Test
  void discardsATokenThatIsAlreadyOver() {
    api.serve(WorkloadEntry.of(ORDERS).jwtTimeToLive(Duration.ofSeconds(-5)));

    assertThatThrownBy(() -> runtime.jwtSvids().fetch(List.of("payment")))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("discarded")
        .hasMessageContaining("jwt_expired");
  }

  private String token(String audience) {
    return domain.issueJwt(ORDERS, Set.of(audience), Duration.ofMinutes(5));
  }

  private static JWTBundlesResponse bundles(String trustDomain, String json) {
    return JWTBundlesResponse.newBuilder()
        .putBundles(trustDomain, ByteString.copyFromUtf8(json))
        .build();
  }

  /** Bundles come by a stream of their own, a moment later. */
  private void assertValid(String token) {
    Eventually.await(
        "the token is valid",
        () -> {
          try {
            runtime.jwtSvids().validate(token, "payment");
            return true;
          } catch (JwtSvidRejectedException | MeshRuntimeException e) {
            return false;
          }
        });
  }

  private void awaitRefused(String token, String words) {
    Eventually.await(
        "the token is refused with " + words,
        () -> {
          try {
            runtime.jwtSvids().validate(token, "payment");
            return false;
          } catch (JwtSvidRejectedException | MeshRuntimeException e) {
            return String.valueOf(e.getMessage()).contains(words);
          }
        });
  }
}
