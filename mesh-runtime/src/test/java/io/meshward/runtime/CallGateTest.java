package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
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
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CallGateTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void refusesWhatNoRuleAllowsAndTellsTheCallerNothing() throws IOException {
    policy(
        """
        {"name": "orders", "allow_rules": [{
          "name": "payment", "source": {"principals": ["spiffe://shop.test/ns/shop/sa/payment"]}}]}
        """);
    StatusRuntimeException failure = failure(channel(), Echo.WHO);

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(failure.getStatus().getDescription()).isEqualTo("refused");
    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(event.authz().decision()).isEqualTo(Decision.DENY);
    assertThat(event.authz().enforced()).isTrue();
    assertThat(event.authz().engine()).isEqualTo("policy");
    assertThat(event.authz().reason()).isEqualTo("no_rule");
    assertThat(event.authz().policyId()).startsWith("orders@");
    assertThat(event.authz().policyRevision()).hasSize(64);
    assertThat(event.authz().status()).isEqualTo("PERMISSION_DENIED");
    assertThat(event.peer().id()).isEqualTo(shop.frontend);
    assertThat(event.cert()).isNotNull();
    assertThat(shop.serverEvents.record(event).key()).isEqualTo(shop.frontend.toString());
    assertThat(shop.serverEvents.record(event).eventClass()).isEqualTo(EventClass.DENIAL);
  }

  @Test
  void refusesEverythingWithoutAPolicy() {
    Server server = shop.serve(shop.frontendRuntime());
    ManagedChannel channel = shop.dial(shop.ordersRuntime(), server, shop.frontend);

    assertThat(failure(channel, Echo.WHO).getStatus().getCode())
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    AuthzDecision event = shop.clientEvents.await(AuthzDecision.class, any -> true);
    assertThat(event.authz().reason()).isEqualTo("no_policy");
  }

  @Test
  void anUnknownMethodIsRefusedLikeAnyOtherAndShowsInTheEvent() throws IOException {
    policy(
        """
        {"name": "orders", "allow_rules": [{
          "name": "who", "request": {"paths": ["/meshward.test.Echo/Who"]}}]}
        """);
    assertThat(failure(channel(), Echo.MISSING).getStatus().getCode())
        .isEqualTo(Status.Code.PERMISSION_DENIED);

    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(requireNonNull(event.rpc()).knownMethod()).isFalse();
    assertThat(requireNonNull(event.rpc()).method()).isEqualTo("/meshward.test.Echo/Missing");
    assertThat(event.authz().decision()).isEqualTo(Decision.DENY);
  }

  @Test
  void ofAMethodThatACallerMadeUpTheEventHasSoMuchAndNoMore() throws IOException {
    policy(
        """
        {"name": "orders", "allow_rules": [{
          "name": "who", "request": {"paths": ["/meshward.test.Echo/Who"]}}]}
        """);
    String name = "meshward.test.Echo/" + "a".repeat(2_000);

    assertThat(
            failure(channel(), Echo.MISSING.toBuilder().setFullMethodName(name).build())
                .getStatus()
                .getCode())
        .isEqualTo(Status.Code.PERMISSION_DENIED);

    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(requireNonNull(event.rpc()).method()).isEqualTo(("/" + name).substring(0, 256));
    assertThat(requireNonNull(event.rpc()).knownMethod()).isFalse();
  }

  @Test
  void onlyAnAllowedCallerLearnsThatAMethodDoesNotExist() {
    assertThat(failure(channel(), Echo.MISSING).getStatus().getCode())
        .isEqualTo(Status.Code.UNIMPLEMENTED);

    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(requireNonNull(event.rpc()).knownMethod()).isFalse();
    assertThat(event.authz().decision()).isEqualTo(Decision.ALLOW);
  }

  @Test
  void takesClaimsOfIdentityOutOfTheMetadataAndReportsThem() {
    Queue<Metadata> received = new ConcurrentLinkedQueue<>();
    Server server = server(received);
    Metadata claims = new Metadata();
    claims.put(ascii("x-spiffe-id"), "spiffe://shop.test/ns/shop/sa/admin");
    claims.put(ascii("x-forwarded-client-cert"), "URI=spiffe://shop.test/ns/shop/sa/admin");
    claims.put(ascii("l5d-client-id"), "admin");
    claims.put(
        Metadata.Key.of("x-spiffe-svid-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {1});
    claims.put(ascii("x-request-id"), "kept");
    Channel channel =
        ClientInterceptors.intercept(
            shop.dial(shop.frontendRuntime(), server),
            MetadataUtils.newAttachHeadersInterceptor(claims));

    assertThat(Echo.call(channel, "hello")).isEqualTo(shop.frontend + " said hello");

    Metadata seen = received.remove();
    assertThat(seen.keys())
        .contains("x-request-id")
        .doesNotContain(
            "x-spiffe-id", "x-forwarded-client-cert", "l5d-client-id", "x-spiffe-svid-bin");
    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(requireNonNull(event.meta()).spoof())
        .containsExactlyInAnyOrder(
            "x-spiffe-id", "x-forwarded-client-cert", "l5d-client-id", "x-spiffe-svid-bin");
    assertThat(event.peer().id()).isEqualTo(shop.frontend);
  }

  @Test
  void interceptorsOfTheServiceRunInsideOfTheGate() {
    Queue<Metadata> received = new ConcurrentLinkedQueue<>();
    Server server = server(received);
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

    assertThat(failure(channel, Echo.OTHER_SERVICE).getStatus().getCode())
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(received).isEmpty();
    assertThat(Echo.call(channel, "hello")).contains("frontend");
    assertThat(received).hasSize(1);
  }

  @Test
  void keepsTheTraceThatACallBelongsTo() {
    ManagedChannel channel = channel();
    Metadata trace = new Metadata();
    trace.put(ascii("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

    Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(trace)),
        "hello");

    AuthzDecision event = shop.serverEvents.await(AuthzDecision.class, any -> true);
    assertThat(event.trace())
        .isEqualTo(new AuthzDecision.Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"));
    assertThat(shop.serverEvents.record(event).envelope().traceparent())
        .startsWith("00-0af7651916cd43dd8448eb211c80319c-");
  }

  @Test
  void aChangedPolicyIsInForceWithinSecondsAndABadOneIsNot() throws IOException {
    ManagedChannel channel = channel();
    assertThat(Echo.call(channel, "hello")).contains("frontend");

    policy("{\"name\": \"broken\", \"allow_rules\": [");
    SvidLifecycle rejected =
        shop.serverEvents.await(
            SvidLifecycle.class, event -> event.svid().change() == Change.POLICY_REJECTED);
    assertThat(rejected.svid().policy()).startsWith("orders@");
    assertThat(rejected.svid().error()).contains("line 1");
    assertThat(Echo.call(channel, "hello")).contains("frontend");

    policy(
        "{\"name\": \"closed\", \"allow_rules\": [{\"name\": \"x\", \"source\": {\"principals\":"
            + " [\"spiffe://shop.test/x\"]}}]}");
    Eventually.await(
        "the new policy",
        () -> {
          try {
            Echo.call(channel, "hello");
            return false;
          } catch (StatusRuntimeException e) {
            return e.getStatus().getCode() == Status.Code.PERMISSION_DENIED;
          }
        });
    shop.serverEvents.await(
        SvidLifecycle.class,
        event ->
            event.svid().change() == Change.POLICY_LOADED
                && String.valueOf(event.svid().policy()).startsWith("closed@"));
  }

  @Test
  void doesNotStartWithAPolicyThatCannotBeUsed() throws IOException {
    policy("{\"name\": \"broken\"}");

    assertThatThrownBy(shop::ordersRuntime)
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining(shop.policy.toString())
        .hasMessageContaining("allow_rules is missing");
  }

  @Test
  void aCallCannotOverrideItsAuthority() {
    StatusRuntimeException failure =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    channel(), Echo.WHO, CallOptions.DEFAULT.withAuthority("else.where"), "hi"));

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(failure).hasMessageContaining(shop.orders.toString());
  }

  @Test
  void aMeshChannelIsNeverPlainAndHasNoOtherAuthority() {
    MeshChannelBuilder builder = shop.frontendRuntime().channelBuilder("127.0.0.1:1", shop.orders);

    assertThatThrownBy(builder::usePlaintext).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> builder.overrideAuthority("a"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void thereIsNoPeerOutsideOfACall() {
    assertThatThrownBy(PeerIdentity::current)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("inside a call");
  }

  /** In one go, so that nobody reads half of it. */
  private void policy(String json) throws IOException {
    Path next = shop.policy.resolveSibling(shop.policy.getFileName() + ".next");
    Files.writeString(next, json, UTF_8);
    Files.move(next, shop.policy, StandardCopyOption.ATOMIC_MOVE);
  }

  private ManagedChannel channel() {
    return shop.dial(shop.frontendRuntime(), shop.serve(shop.ordersRuntime()));
  }

  /** A server that keeps the metadata which reach the service. */
  private Server server(Queue<Metadata> received) {
    ServerInterceptor keeper =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            assertThat(PeerIdentity.current().id()).isEqualTo(shop.frontend);
            assertThat(PeerIdentity.currentId()).isEqualTo(shop.frontend);
            received.add(headers);
            return Contexts.interceptCall(Context.current(), call, headers, next);
          }
        };
    try {
      return shop.closing(
          shop.ordersRuntime()
              .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .addService(Echo.service())
              .intercept(keeper)
              .build()
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static StatusRuntimeException failure(
      Channel channel, MethodDescriptor<String, String> method) {
    return catchThrowableOfType(
        StatusRuntimeException.class, () -> Echo.call(channel, method, "let me in"));
  }

  private static Metadata.Key<String> ascii(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
