package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kind of SVID at a server and at a client of ours, with one TLS provider: who gets in, and
 * what the event says of who does not.
 */
@TestInstance(Lifecycle.PER_CLASS)
abstract class HandshakeMatrix {

  /** A peer and what becomes of it; without a detail it is let in. */
  record Case(String name, IssuedSvid svid, Result result, @Nullable String detail) {
    @Override
    public String toString() {
      return name;
    }
  }

  private final TestTrustDomain other = TestTrustDomain.create("other.test");
  private final Shop shop = new Shop();
  private final SslProvider provider;
  private final MeshRuntime clientRuntime;
  private final Server server;

  HandshakeMatrix(SslProvider provider) {
    this.provider = provider;
    MeshRuntime serverRuntime = shop.ordersRuntime(builder -> builder.tlsProvider(provider));
    clientRuntime = shop.frontendRuntime(builder -> builder.tlsProvider(provider));
    server = shop.serve(serverRuntime);
  }

  @AfterAll
  void close() {
    shop.close();
  }

  @BeforeEach
  void clear() {
    shop.serverEvents.clear();
    shop.clientEvents.clear();
  }

  Stream<Case> clients() {
    return cases(shop.frontend);
  }

  Stream<Case> servers() {
    return Stream.concat(
        cases(shop.orders),
        Stream.of(
            refused(
                "another workload",
                shop.mesh.trustDomain().issue(shop.frontend),
                RejectionReason.UNEXPECTED_PEER_ID)));
  }

  private Stream<Case> cases(SpiffeId id) {
    TestTrustDomain own = shop.mesh.trustDomain();
    SpiffeId foreign = other.name().id(id.path());
    return Stream.concat(
        Arrays.stream(Variation.values())
            // The JDK, by which the attacker speaks TLS, cannot load it.
            .filter(variation -> variation != Variation.NO_SUBJECT_NAMES_NOT_CRITICAL)
            .map(variation -> variation(id, variation)),
        Stream.of(
            refused("unknown authority", other.issue(id), RejectionReason.UNKNOWN_AUTHORITY),
            refused(
                "unknown trust domain", other.issue(foreign), RejectionReason.UNKNOWN_TRUST_DOMAIN),
            refused(
                "trust domain and bundle differ",
                own.issue(foreign),
                RejectionReason.TRUST_DOMAIN_BUNDLE_MISMATCH)));
  }

  private Case variation(SpiffeId id, Variation variation) {
    IssuedSvid svid = shop.mesh.trustDomain().issue(id, IssueOptions.DEFAULT.with(variation));
    RejectionReason reason =
        variation == Variation.ROOT_ITSELF && provider == SslProvider.OPENSSL
            // An authority's key usage is the first that BoringSSL finds wrong.
            ? RejectionReason.NO_DIGITAL_SIGNATURE
            : ExpectedReasons.of(variation);
    if (variation == Variation.WRONG_KEY) {
      return new Case(variation.name(), svid, Result.SIGNATURE_VERIFICATION_FAILED, "signature");
    }
    return reason == null
        ? new Case(variation.name(), svid, Result.SUCCESS, null)
        : refused(variation.name(), svid, reason);
  }

  private static Case refused(String name, IssuedSvid svid, RejectionReason reason) {
    return new Case(name, svid, ExpectedResults.of(reason.code()), reason.code());
  }

  @ParameterizedTest
  @MethodSource("clients")
  void theServerJudgesAClient(Case client) {
    ManagedChannel channel = Attacker.dial(server.getPort(), client.svid());
    try {
      call(client, channel);
    } finally {
      channel.shutdownNow();
    }
    checkEvent(client, shop.serverEvents, Role.SERVER, shop.orders);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void theClientJudgesAServer(Case peer) {
    Server attacker = Attacker.serve(peer.svid());
    ManagedChannel channel = shop.dial(clientRuntime, attacker);
    try {
      call(peer, channel);
    } finally {
      channel.shutdownNow();
      attacker.shutdownNow();
    }
    checkEvent(peer, shop.clientEvents, Role.CLIENT, shop.frontend);
  }

  /** Calls a method that nobody has: who gets in is told so. */
  private static void call(Case peer, ManagedChannel channel) {
    StatusRuntimeException failure =
        catchThrowableOfType(
            StatusRuntimeException.class, () -> Echo.call(channel, Echo.MISSING, "let me in"));
    assertThat(failure.getStatus().getCode())
        .isEqualTo(peer.detail() == null ? Status.Code.UNIMPLEMENTED : Status.Code.UNAVAILABLE);
  }

  private static void checkEvent(Case peer, RecordingSink events, Role role, SpiffeId reporter) {
    TlsHandshake event = events.await(TlsHandshake.class, any -> true);
    assertThat(event.tls().result()).isEqualTo(peer.result());
    assertThat(event.tls().detail()).isEqualTo(peer.detail());
    assertThat(event.tls().role()).isEqualTo(role);
    assertThat(event.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(event.peer().port()).isPositive();
    if (peer.detail() == null) {
      assertThat(event.peer().id()).isEqualTo(peer.svid().id());
    } else {
      // Whoever was refused in the handshake has proved nothing: a claim is no identity and no key.
      assertThat(event.peer().id()).isNull();
      assertThat(events.record(event).key()).isEqualTo(reporter.toString());
    }
  }
}
