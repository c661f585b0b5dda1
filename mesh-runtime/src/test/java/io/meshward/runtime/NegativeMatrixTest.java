package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every way to be wrong that we know of, tried at a server and at a client of ours: nobody gets in,
 * and the event says why. One server, one client and one set of certificates serve all rows.
 */
@TestInstance(Lifecycle.PER_CLASS)
class NegativeMatrixTest {
  private static final byte[] MALFORMED_HELLO = {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0};
  private static final byte[] HALF_A_HELLO = {0x16, 3, 1, 2, 0, 1, 0, 1, 0, 3};

  /** A little ahead, so that what is issued while this runs is valid already. */
  private final SettableClock clock = new SettableClock(Instant.now().plus(Duration.ofMinutes(5)));

  private final TestTrustDomain partner = TestTrustDomain.create("partner.test");
  private final TestTrustDomain stranger = TestTrustDomain.create("stranger.test");
  private final Shop shop = new Shop();
  private final ForgedSvids forged = new ForgedSvids(shop.mesh.trustDomain());
  private final MeshRuntime orders;
  private final MeshRuntime frontend;
  private final Server server;

  NegativeMatrixTest() {
    shop.mesh.trustDomain().federateWith(partner);
    orders = shop.ordersRuntime(builder -> builder.clock(clock));
    frontend = shop.frontendRuntime(builder -> builder.clock(clock));
    server = shop.serve(orders);
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

  /** What is wrong with a peer of this ID; a peer of the partner's is called the same. */
  private Stream<Wrong> rows(SpiffeId id, HeldIdentities holds, MeshRuntime runtime) {
    Shown good = Shown.of(shop.mesh.trustDomain().issue(id));
    Rows rows = new Rows(good);
    certificates(rows, id, good);
    protocols(rows, id.equals(shop.orders));
    holds(rows, holds, id);
    happenings(rows, id, holds, runtime);
    return rows.all.stream();
  }

  Stream<Wrong> clients() {
    return rows(shop.frontend, shop.serverHolds, orders);
  }

  Stream<Wrong> servers() {
    Shown other = Shown.of(shop.mesh.trustDomain().issue(shop.frontend));
    return Stream.concat(
        rows(shop.orders, shop.clientHolds, frontend),
        Stream.of(
            Wrong.both(
                "another workload", "unexpected_peer_id", new Attack.Shows(other, Speech.USUAL))));
  }

  private void certificates(Rows rows, SpiffeId id, Shown good) {
    TestTrustDomain own = shop.mesh.trustDomain();
    Arrays.stream(Variation.values())
        .filter(variation -> variation.verdict() != Variation.Verdict.VALID)
        // The JDK, by which the attacker speaks TLS, cannot load it.
        .filter(variation -> variation != Variation.NO_SUBJECT_NAMES_NOT_CRITICAL)
        .forEach(
            variation ->
                rows.shows(
                    variation.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    switch (variation) {
                      // BoringSSL looks at the key usage first.
                      case ROOT_ITSELF -> RejectionReason.NO_DIGITAL_SIGNATURE.code();
                      case WRONG_KEY -> "signature";
                      default ->
                          java.util.Objects.requireNonNull(ExpectedReasons.of(variation)).code();
                    },
                    Shown.of(own.issue(id, IssueOptions.DEFAULT.with(variation)))));

    String named = "spiffe://shop.test";
    String invalid = RejectionReason.INVALID_SPIFFE_ID.code();
    rows.shows("a query in its ID", invalid, forged.named(named + id.path() + "?a=b"));
    rows.shows("a fragment in its ID", invalid, forged.named(named + id.path() + "#a"));
    rows.shows("an empty fragment in its ID", invalid, forged.named(named + id.path() + "#"));
    rows.shows("a percent code in its ID", invalid, forged.named(named + "/ns%2Fshop"));
    rows.shows("a dot segment in its ID", invalid, forged.named(named + "/ns/../orders"));
    rows.shows("a slash at the end of its ID", invalid, forged.named(id + "/"));
    rows.shows("a user in its ID", invalid, forged.named("spiffe://me@shop.test" + id.path()));
    rows.shows("a port in its ID", invalid, forged.named("spiffe://shop.test:1" + id.path()));
    rows.shows("no trust domain in its ID", invalid, forged.named("spiffe://" + id.path()));
    rows.shows(
        "a trust domain of 256 bytes",
        invalid,
        forged.named("spiffe://" + "a".repeat(256) + id.path()));
    rows.shows("an ID of 2049 bytes", invalid, forged.named(named + "/" + "a".repeat(2030)));
    rows.shows("another scheme", invalid, forged.named("spiffy://shop.test" + id.path()));

    rows.shows("unknown authority", "unknown_authority", Shown.of(stranger.issue(id)));
    rows.shows(
        "unknown trust domain",
        "unknown_trust_domain",
        Shown.of(stranger.issue(stranger.name().id(id.path()))));
    rows.shows(
        "an ID of a trust domain nobody knows, signed by ours",
        "td_bundle_mismatch",
        Shown.of(own.issue(stranger.name().id(id.path()))));
    rows.shows(
        "our trust domain, signed by a partner", "td_bundle_mismatch", Shown.of(partner.issue(id)));
    rows.shows(
        "the partner's trust domain, signed by ours",
        "td_bundle_mismatch",
        Shown.of(own.issue(partner.name().id(id.path()))));
    rows.shows("signed by itself", "unknown_authority", forged.selfSigned(id));
    rows.shows("signed by a workload", "path:not_authority", forged.signedByLeaf(id, good));
    // BoringSSL hands over the first ten.
    rows.shows("a chain of twelve", "unknown_authority", forged.below(id, 11, 20));
    rows.shows("a path longer than allowed", "path:too_long", forged.below(id, 2, 0));
    rows.shows(
        "an authority that may not sign",
        "path:not_authority",
        forged.belowAnAuthorityThatMayNotSign(id));
    rows.shows(
        "an authority of tomorrow", "path:not_yet_valid", forged.belowAnAuthorityOfTomorrow(id));
    rows.shows("a key that is too costly", "key_too_costly", forged.belowACostlyKey(id));
    rows.shows(
        "its authority in its place",
        // As with the root: BoringSSL looks at the key usage first.
        RejectionReason.NO_DIGITAL_SIGNATURE.code(),
        forged.inTheWrongOrder(id));
  }

  private static void protocols(Rows rows, boolean servers) {
    rows.speaks("TLS 1.2", "tls_version", Speech.USUAL.withProtocol("TLSv1.2"));
    rows.speaks("no ALPN", "no_h2_alpn", Speech.USUAL.withAlpn());
    rows.speaks("HTTP/1.1 by ALPN", "no_h2_alpn", Speech.USUAL.withAlpn("http/1.1"));
    rows.add(
        "no common group",
        "group",
        "refused_by_peer",
        new Attack.Shows(rows.good, Speech.USUAL.withGroups("secp384r1")));
    rows.says("HTTP/2 without TLS", "plaintext", Attacker.HTTP_2_PREFACE, false);
    rows.says(
        "HTTP/1.1 without TLS", "plaintext", "GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII), false);
    rows.says("noise", "plaintext", new byte[] {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, false);
    rows.says("a connection that ends at once", "peer_closed", new byte[0], true);
    rows.add(
        "a malformed hello",
        "malformed_message",
        "unexpected_message",
        new Attack.Says(ByteString.copyFrom(MALFORMED_HELLO), false));
    rows.says("a hello that breaks off", "peer_closed", HALF_A_HELLO, true);
    if (!servers) {
      rows.add("no certificate", "no_client_cert", "", new Attack.Shows(NOBODY, Speech.USUAL));
    }
  }

  private void holds(Rows rows, HeldIdentities holds, SpiffeId id) {
    Shown good = rows.good;
    Shown foreign = Shown.of(partner.issue(partner.name().id(id.path())));
    for (Subject.Kind kind : Subject.Kind.values()) {
      Subject subject =
          switch (kind) {
            case SPIFFE_ID -> Subject.of(id);
            case PATH_PREFIX -> new Subject(kind, id.trustDomain(), id.path());
            case SERIAL ->
                new Subject(
                    kind,
                    id.trustDomain(),
                    Certificates.authorityKeyIdentifier(good.leaf())
                        + ":"
                        + Certificates.serial(good.leaf()));
            case KEY_HASH -> new Subject(kind, id.trustDomain(), Certificates.keyHash(good.leaf()));
            // One on our own would hold this side too.
            case TRUST_DOMAIN -> new Subject(kind, partner.name(), partner.name().name());
            case IP -> new Subject(kind, null, "127.0.0.1");
          };
      Shown shown = kind == Subject.Kind.TRUST_DOMAIN ? foreign : good;
      rows.all.add(
          Wrong.both(
              "held by its " + kind,
              "quarantined",
              new Attack.Meanwhile(shown, held(holds, subject, null))));
    }
    SpiffeId self = id.equals(shop.orders) ? shop.frontend : shop.orders;
    rows.meanwhile("this side is held", "own_quarantined", held(holds, Subject.of(self), null));
    rows.resumes(
        "a hold on this side", "own_quarantined", good, held(holds, Subject.of(self), null));
    rows.meanwhile(
        "held for SVIDs of before a rotation",
        "quarantined",
        held(holds, Subject.of(id), clock.instant().plusSeconds(60)));
  }

  private void happenings(Rows rows, SpiffeId id, HeldIdentities holds, MeshRuntime runtime) {
    Shown foreign = Shown.of(partner.issue(partner.name().id(id.path())));
    Wrong.Event expelled = new Expelled(runtime);
    Wrong.Event retired = new Retired(runtime, foreign);
    rows.meanwhile("this side has no SVID", "own_svid_unavailable", new Redacted(runtime));
    rows.meanwhile(
        "this side's SVID is over", "own_svid_unavailable", new Later(Duration.ofHours(2)));
    rows.all.add(
        Wrong.both(
            "its trust domain is not federated any more",
            "unknown_trust_domain",
            new Attack.Meanwhile(foreign, expelled)));
    rows.resumes("a hold", "quarantined", rows.good, held(holds, Subject.of(id), null));
    rows.resumes(
        "a hold on its address",
        "quarantined",
        rows.good,
        held(holds, new Subject(Subject.Kind.IP, null, "127.0.0.1"), null));
    rows.resumes("the end of the federation", "unknown_trust_domain", foreign, expelled);
    rows.resumes(
        "its expiry",
        "expired",
        Shown.of(
            shop.mesh
                .trustDomain()
                .issue(id, IssueOptions.DEFAULT.timeToLive(Duration.ofMinutes(10)))),
        new Later(Duration.ofMinutes(20)));
    rows.resumes(
        "a rotation that held its old SVIDs",
        "quarantined",
        rows.good,
        held(holds, Subject.of(id), clock.instant().plusSeconds(60)));
    rows.resumes(
        "this side lost its SVID", "own_svid_unavailable", rows.good, new Redacted(runtime));
    // Last, since it changes for good whom the partner's SVIDs of before are signed by.
    rows.resumes("its authority was retired", "unknown_authority", foreign, retired);
  }

  @Test
  void thereAreAtLeastSixtyRowsForEachSide() {
    assertThat(clients().map(Wrong::name).distinct()).hasSizeGreaterThanOrEqualTo(70);
    assertThat(servers().map(Wrong::name).distinct()).hasSizeGreaterThanOrEqualTo(70);
  }

  @Test
  void whoIsNotWrongGetsIn() throws IOException {
    Shown client = Shown.of(shop.mesh.trustDomain().issue(shop.frontend));
    try (SSLSocket socket = dial(context(client), Speech.USUAL)) {
      assertThat(Attacker.isServed(socket)).isTrue();
    }
    Shown peer = Shown.of(shop.mesh.trustDomain().issue(shop.orders));
    try (AttackingServer attacker = AttackingServer.tls(context(peer), Speech.USUAL)) {
      ManagedChannel channel = connect(frontend, attacker, shop.orders);
      Eventually.await("ready", () -> channel.getState(true) == ConnectivityState.READY);
      channel.shutdownNow();
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void noServerLetsItIn(Wrong client) throws IOException {
    switch (client.attack()) {
      case Attack.Shows(Shown shown, Speech speech) -> refusedByServer(context(shown), speech);
      case Attack.Says(ByteString bytes, boolean closes) -> {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort())) {
          socket.getOutputStream().write(bytes.toByteArray());
          if (!closes) {
            expect(shop.serverEvents, client.atServer());
          }
        }
      }
      case Attack.Meanwhile(Shown shown, Wrong.Event event) ->
          during(event, () -> refusedByServer(context(shown), Speech.USUAL));
      case Attack.Resumes(Shown shown, Wrong.Event event) -> {
        SSLContext context = context(shown);
        try (SSLSocket socket = dial(context, Speech.USUAL)) {
          assertThat(Attacker.isServed(socket)).isTrue();
        }
        awaitNoConnections(orders);
        shop.serverEvents.clear();
        during(event, () -> refusedByServer(context, Speech.USUAL));
      }
    }
    expect(shop.serverEvents, client.atServer());
  }

  @ParameterizedTest
  @MethodSource("servers")
  void noClientTrustsIt(Wrong peer) {
    switch (peer.attack()) {
      case Attack.Shows(Shown shown, Speech speech) -> {
        try (AttackingServer attacker = AttackingServer.tls(context(shown), speech)) {
          refusedByClient(peer, attacker, shop.orders);
        }
      }
      case Attack.Says(ByteString bytes, boolean closes) -> {
        try (AttackingServer attacker = AttackingServer.saying(bytes.toByteArray(), closes)) {
          refusedByClient(peer, attacker, shop.orders);
        }
      }
      case Attack.Meanwhile(Shown shown, Wrong.Event event) -> {
        try (AttackingServer attacker = AttackingServer.tls(context(shown), Speech.USUAL)) {
          during(event, () -> refusedByClient(peer, attacker, idOf(shown)));
        }
      }
      case Attack.Resumes(Shown shown, Wrong.Event event) -> {
        try (AttackingServer attacker = AttackingServer.tls(context(shown), Speech.USUAL)) {
          ManagedChannel channel = connect(frontend, attacker, idOf(shown));
          Eventually.await("ready", () -> channel.getState(true) == ConnectivityState.READY);
          channel.shutdownNow();
          awaitNoConnections(frontend);
          shop.clientEvents.clear();
          during(event, () -> refusedByClient(peer, attacker, idOf(shown)));
        }
      }
    }
  }

  @Test
  void whoSaysNothingIsNotWaitedForAtEitherSide() throws IOException {
    TransportLimits impatient =
        TransportLimits.defaults().withHandshakeTimeout(Duration.ofMillis(100));
    Server hasty = shop.serve(shop.ordersRuntime(builder -> builder.limits(impatient)));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), hasty.getPort())) {
      assertThat(socket.isConnected()).isTrue();
      expect(shop.serverEvents, "handshake_timeout");
    }
    MeshRuntime client = shop.frontendRuntime(builder -> builder.limits(impatient));
    try (AttackingServer silent = AttackingServer.saying(new byte[0], false)) {
      ManagedChannel channel = connect(client, silent, shop.orders);
      expect(shop.clientEvents, "handshake_timeout");
      channel.shutdownNow();
    }
  }

  @Test
  void nobodyIsServedOrTrustedBeforeTheHoldsAreRead() throws IOException {
    Server closed =
        shop.serve(
            shop.ordersRuntime(
                builder ->
                    builder
                        .quarantine(HeldIdentities.unread())
                        .quarantineDeadline(Duration.ofMillis(1))));
    Shown client = Shown.of(shop.mesh.trustDomain().issue(shop.frontend));
    try (SSLSocket socket = Attacker.socket(context(client), closed.getPort(), "TLSv1.3", "h2")) {
      assertThat(Attacker.isServed(socket)).isFalse();
    }
    expect(shop.serverEvents, "quarantine_unread");
    MeshRuntime dialler =
        shop.frontendRuntime(
            builder ->
                builder
                    .quarantine(HeldIdentities.unread())
                    .quarantineDeadline(Duration.ofMillis(1)));
    Shown peer = Shown.of(shop.mesh.trustDomain().issue(shop.orders));
    try (AttackingServer attacker = AttackingServer.tls(context(peer), Speech.USUAL)) {
      ManagedChannel channel = connect(dialler, attacker, shop.orders);
      expect(shop.clientEvents, "quarantine_unread");
      channel.shutdownNow();
    }
  }

  @Test
  void aSessionOfBeforeARestartIsJudgedByTheNewServer() throws IOException {
    SSLContext thief = context(Shown.of(shop.mesh.trustDomain().issue(shop.frontend)));
    try (SSLSocket socket = dial(thief, Speech.USUAL)) {
      assertThat(Attacker.isServed(socket)).isTrue();
    }
    awaitNoConnections(orders);
    Server restarted = shop.serve(shop.ordersRuntime(builder -> builder.clock(clock)));
    shop.serverEvents.clear();
    during(
        held(shop.serverHolds, Subject.of(shop.frontend), null),
        () -> {
          // The client's cache goes by the port it believes to talk to.
          try (SSLSocket socket = dial(thief, Speech.USUAL, restarted.getPort())) {
            assertThat(Attacker.isServed(socket)).isFalse();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    expect(shop.serverEvents, "quarantined");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x-spiffe-id",
        "x-forwarded-client-cert",
        "l5d-client-id",
        "x-meshward-peer",
        "x-ssl-client-cert"
      })
  void forgedMetadataMakesNobodyAnother(String header) {
    SpiffeId cashier = shop.mesh.trustDomain().name().id("/ns/shop/sa/cashier");
    ManagedChannel channel =
        Attacker.dial(server.getPort(), shop.mesh.trustDomain().issue(cashier));
    Metadata claims = new Metadata();
    claims.put(Metadata.Key.of(header, Metadata.ASCII_STRING_MARSHALLER), shop.frontend.toString());
    try {
      assertThatThrownBy(
              () ->
                  Echo.call(
                      io.grpc.ClientInterceptors.intercept(
                          channel, MetadataUtils.newAttachHeadersInterceptor(claims)),
                      "let me in"))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              refused ->
                  assertThat(refused.getStatus().getCode())
                      .isEqualTo(Status.Code.PERMISSION_DENIED));
    } finally {
      channel.shutdownNow();
    }
    AuthzDecision decided = shop.serverEvents.await(AuthzDecision.class, event -> true);
    assertThat(decided.authz().decision()).isEqualTo(Decision.DENY);
    assertThat(decided.authz().reason()).isEqualTo("no_rule");
    assertThat(decided.peer().id()).isEqualTo(cashier);
    assertThat(decided.meta()).isNotNull();
  }

  private void refusedByServer(SSLContext attacker, Speech speech) {
    try (SSLSocket socket = dial(attacker, speech)) {
      assertThat(Attacker.isServed(socket)).isFalse();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void refusedByClient(Wrong peer, AttackingServer attacker, SpiffeId expected) {
    ManagedChannel channel = connect(frontend, attacker, expected);
    try {
      expect(shop.clientEvents, peer.atClient());
      assertThat(channel.getState(false)).isNotEqualTo(ConnectivityState.READY);
    } finally {
      channel.shutdownNow();
      // It dials again and again: what it began last must not be seen in the next row.
      Eventually.await("the channel's end", channel::isTerminated);
      awaitNoConnections(frontend);
    }
  }

  /** The only reason of all handshakes since the row began; none of them let anybody in. */
  private static void expect(RecordingSink events, String reason) {
    events.await(TlsHandshake.class, any -> true);
    assertThat(events.of(TlsHandshake.class))
        .allSatisfy(
            event -> {
              assertThat(event.tls().detail()).isEqualTo(reason);
              assertThat(event.tls().result()).isEqualTo(ExpectedResults.of(reason));
              assertThat(event.peer().id()).isNull();
            });
  }

  private static void during(Wrong.Event event, Runnable attack) {
    event.happens();
    try {
      attack.run();
    } finally {
      event.undone();
    }
  }

  private SSLSocket dial(SSLContext attacker, Speech speech) {
    return dial(attacker, speech, server.getPort());
  }

  private SSLSocket dial(SSLContext attacker, Speech speech, int port) {
    try {
      SSLSocket socket =
          (SSLSocket)
              attacker
                  .getSocketFactory()
                  .createSocket(
                      new Socket(InetAddress.getLoopbackAddress(), port),
                      "127.0.0.1",
                      server.getPort(),
                      true);
      socket.setSoTimeout(10_000);
      socket.setTcpNoDelay(true);
      speech.applyTo(socket);
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ManagedChannel connect(
      MeshRuntime client, AttackingServer attacker, SpiffeId expected) {
    ManagedChannel channel =
        client.channelBuilder("127.0.0.1:" + attacker.port(), expected).build();
    channel.getState(true);
    return channel;
  }

  private static SSLContext context(Shown shown) {
    return shown.equals(NOBODY)
        ? Attacker.context(null)
        : Attacker.context(shown.chain(), shown.key());
  }

  private static SpiffeId idOf(Shown shown) {
    try {
      return SpiffeId.parse(Certificates.uriNames(shown.leaf()).get(0));
    } catch (java.security.cert.CertificateParsingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitNoConnections(MeshRuntime runtime) {
    Eventually.await("no connection", () -> runtime.status().connections() == 0);
  }

  private Wrong.Event held(
      HeldIdentities holds, Subject subject, @org.jspecify.annotations.Nullable Instant before) {
    io.meshward.schemas.QuarantineKey key =
        new io.meshward.schemas.QuarantineKey(subject, "containment-1");
    return new Wrong.Event() {
      @Override
      public void happens() {
        holds.place(new Hold(key, Instant.now(), null, before));
      }

      @Override
      public void undone() {
        holds.release(key);
      }
    };
  }

  /** The partner's bundle is taken away from one runtime's workload, and comes back. */
  private final class Expelled implements Wrong.Event {
    private final MeshRuntime runtime;

    Expelled(MeshRuntime runtime) {
      this.runtime = runtime;
    }

    @Override
    public void happens() {
      shop.mesh.trustDomain().stopFederatingWith(partner);
      Eventually.await(
          "no bundle", () -> !runtime.identity().bundles().containsKey(partner.name()));
    }

    @Override
    public void undone() {
      shop.mesh.trustDomain().federateWith(partner);
      for (MeshRuntime each : List.of(orders, frontend)) {
        Eventually.await("a bundle", () -> each.identity().bundles().containsKey(partner.name()));
      }
    }
  }

  /** The partner's authority that signed something is replaced by a new one. */
  private final class Retired implements Wrong.Event {
    private final MeshRuntime runtime;
    private final Shown old;

    Retired(MeshRuntime runtime, Shown old) {
      this.runtime = runtime;
      this.old = old;
    }

    @Override
    public void happens() {
      partner.prepareX509Authority();
      partner.activateX509Authority();
      partner.retireX509Authorities();
      Eventually.await(
          "the new bundle alone",
          () ->
              java.util.Objects.requireNonNull(runtime.identity().bundles().get(partner.name()))
                  .authorities()
                  .stream()
                  .noneMatch(
                      authority ->
                          authority
                              .getSubjectX500Principal()
                              .equals(old.leaf().getIssuerX500Principal())));
    }
  }

  /** This side's own SVID is taken away, and comes back. */
  private final class Redacted implements Wrong.Event {
    private final MeshRuntime runtime;

    Redacted(MeshRuntime runtime) {
      this.runtime = runtime;
    }

    private SpiffeId id() {
      return runtime.equals(orders) ? shop.orders : shop.frontend;
    }

    @Override
    public void happens() {
      shop.mesh.workload(id()).redact();
      Eventually.await(
          "withdrawn", () -> runtime.status().identity() instanceof RuntimeState.Withdrawn);
    }

    @Override
    public void undone() {
      shop.mesh.workload(id()).resume();
      Eventually.await("ready", () -> runtime.status().identity() instanceof RuntimeState.Ready);
    }
  }

  /** It is later by our clock. */
  private final class Later implements Wrong.Event {
    private final Duration by;

    Later(Duration by) {
      this.by = by;
    }

    @Override
    public void happens() {
      clock.advance(by);
    }

    @Override
    public void undone() {
      clock.advance(by.negated());
    }
  }

  /** Nobody shows anything. */
  private static final Shown NOBODY =
      new Shown(List.of(), new ForgedSvids(TestTrustDomain.create("nobody.test")).root().key());

  /** Rows as they are written down. */
  private static final class Rows {
    final List<Wrong> all = new ArrayList<>();
    final Shown good;

    Rows(Shown good) {
      this.good = good;
    }

    void add(String name, String atServer, String atClient, Attack attack) {
      all.add(new Wrong(name, atServer, atClient, attack));
    }

    void shows(String name, String reason, Shown shown) {
      all.add(Wrong.both(name, reason, new Attack.Shows(shown, Speech.USUAL)));
    }

    void speaks(String name, String reason, Speech speech) {
      all.add(Wrong.both(name, reason, new Attack.Shows(good, speech)));
    }

    void says(String name, String reason, byte[] bytes, boolean closes) {
      all.add(Wrong.both(name, reason, new Attack.Says(ByteString.copyFrom(bytes), closes)));
    }

    void meanwhile(String name, String reason, Wrong.Event event) {
      all.add(Wrong.both(name, reason, new Attack.Meanwhile(good, event)));
    }

    void resumes(String name, String reason, Shown shown, Wrong.Event event) {
      all.add(Wrong.both("resumed after " + name, reason, new Attack.Resumes(shown, event)));
    }
  }
}
