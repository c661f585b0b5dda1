package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a connection may take from a server, and what becomes of one that takes more. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TransportLimitsTest {
  private static final TransportLimits DEFAULTS = TransportLimits.defaults();
  private static final String CHAT = "/" + Echo.CHAT.getFullMethodName();
  private static final int MAX_CONCURRENT_STREAMS = 3;
  private static final int MAX_HEADER_LIST_SIZE = 6;

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void hasSaneDefaults() {
    assertThat(DEFAULTS.handshakeTimeout()).isEqualTo(Duration.ofSeconds(10));
    assertThat(DEFAULTS.maxConnections()).isEqualTo(10_000);
    assertThat(DEFAULTS.maxMetadataBytes()).isEqualTo(16 * 1024);
    assertThat(DEFAULTS.maxCallsPerConnection()).isEqualTo(1_000);
    assertThat(DEFAULTS.maxResetsPerWindow()).isEqualTo(200);
    assertThat(DEFAULTS.resetWindow()).isEqualTo(Duration.ofSeconds(10));
    assertThat(DEFAULTS.maxConnectionIdle()).isEqualTo(Duration.ofMinutes(30));
  }

  @Test
  void aClientOfOursPingsNoMoreOftenThanAServerOfOursPermits() {
    assertThat(DEFAULTS.keepAliveTime()).isGreaterThanOrEqualTo(DEFAULTS.permitKeepAliveTime());
    assertThat(DEFAULTS.keepAliveTimeout()).isLessThan(DEFAULTS.keepAliveTime());
  }

  @Test
  void aConnectionGetsHalfAsOldAsAnSvidAndNoOlderThanHalfAnHour() {
    assertThat(DEFAULTS.connectionAge(Duration.ofMinutes(1))).isEqualTo(Duration.ofSeconds(30));
    assertThat(DEFAULTS.connectionAge(Duration.ofHours(1))).isEqualTo(Duration.ofMinutes(30));
    assertThat(DEFAULTS.connectionAge(Duration.ofDays(1))).isEqualTo(Duration.ofMinutes(30));
  }

  @Test
  void tellsClientsHowManyCallsAndHowMuchMetadataItTakes() throws IOException {
    try (RawHttp2 client = connect(shop.serve(shop.ordersRuntime()))) {
      assertThat(client.send().await(RawHttp2.SETTINGS).settings())
          .containsAllEntriesOf(
              Map.of(MAX_CONCURRENT_STREAMS, 1_000, MAX_HEADER_LIST_SIZE, 16 * 1024));
    }
  }

  @Test
  void refusesACallWithTooMuchMetadataAndGoesOnWithTheOthers() throws IOException {
    try (RawHttp2 client = connect(shop.serve(shop.ordersRuntime()))) {
      client.call(1, CHAT, 0).say(1, "hello").send();
      assertThat(said(client)).contains("frontend");

      client.call(3, CHAT, 300).send();

      RawHttp2.Frame refused = client.await(frame -> frame.stream() == 3);
      assertThat(refused.type()).isIn(RawHttp2.HEADERS, RawHttp2.RST_STREAM);
      client.say(1, "still here").call(5, CHAT, 200).send();
      assertThat(said(client)).contains("still here");
      client.say(5, "as much as may be").send();
      assertThat(said(client)).contains("as much as may be");
    }
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSize(1);
  }

  @Test
  void aClientOfOursDoesNotSendWhatAServerOfOursDoesNotTake() {
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), shop.serve(shop.ordersRuntime()));
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");
    Metadata large = new Metadata();
    large.put(Metadata.Key.of("x-large", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(17 * 1024));

    StatusRuntimeException refused =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                Echo.call(
                    ClientInterceptors.intercept(
                        channel, MetadataUtils.newAttachHeadersInterceptor(large)),
                    "hello"));

    assertThat(refused).isNotNull();
    assertThat(chat.say("still here")).contains("still here");
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSize(1);
  }

  @Test
  void endsTheConnectionOfAClientThatResetsTooManyCalls() throws IOException {
    try (RawHttp2 client = connect(shop.serve(shop.ordersRuntime()))) {
      int stream = 1;
      for (int i = 0; i < DEFAULTS.maxResetsPerWindow(); i++) {
        client.call(stream, CHAT, 0).reset(stream);
        stream += 2;
      }
      client.ping().send().awaitPong();

      client.call(stream, CHAT, 0).reset(stream).send();

      assertThat(client.await(RawHttp2.GO_AWAY).error()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
      client.awaitEnd();
    }
    assertReported("http2:too_many_resets");
  }

  @Test
  void endsTheConnectionOfAClientThatPingsMoreOftenThanPermitted() throws IOException {
    try (RawHttp2 client = connect(shop.serve(shop.ordersRuntime()))) {
      client.ping().send().awaitPong();

      client.ping().ping().ping().send();

      RawHttp2.Frame end = client.await(RawHttp2.GO_AWAY);
      assertThat(end.error()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
      assertThat(end.words(8)).isEqualTo("too_many_pings");
      client.awaitEnd();
    }
    assertReported("http2:too_many_pings");
  }

  @Test
  void reportsAClientThatSpeaksOnACallThatItNeverBegan() throws IOException {
    try (RawHttp2 client = connect(shop.serve(shop.ordersRuntime()))) {
      // A message of a call that was never begun.
      client.say(7, "hello").send();

      assertThat(client.await(RawHttp2.GO_AWAY).error()).isNotZero();
      client.awaitEnd();
    }
    assertReported("http2:protocol_error");
  }

  /** One denial, with who it was, and none for those who keep the rules. */
  private void assertReported(String rule) {
    AuthzDecision seen = shop.serverEvents.await(AuthzDecision.class, event -> event.rpc() == null);
    assertThat(seen.authz().decision()).isEqualTo(AuthzDecision.Decision.DENY);
    assertThat(seen.authz().engine()).isEqualTo("connection");
    assertThat(seen.authz().reason()).isEqualTo(rule);
    assertThat(seen.peer().id()).isEqualTo(shop.frontend);
    assertThat(seen.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(seen.cert()).isNotNull();
    assertThat(shop.serverEvents.record(seen).eventClass()).isEqualTo(EventClass.DENIAL);
    assertThat(shop.serverEvents.of(AuthzDecision.class))
        .filteredOn(event -> event.rpc() == null)
        .hasSize(1);
  }

  @Test
  void endsAConnectionWithoutCalls() throws IOException {
    Server server = shop.serve(limited(DEFAULTS.maxConnectionAge(), Duration.ofSeconds(1)));
    try (RawHttp2 client = connect(server)) {
      assertThat(client.send().await(RawHttp2.GO_AWAY).words(8)).contains("max_idle");
      client.awaitEnd();
    }
    assertThat(shop.serverEvents.of(AuthzDecision.class)).as("it broke no rule").isEmpty();
  }

  @Test
  void replacesAConnectionThatIsOldAndFailsNoCall() {
    Server server = shop.serve(limited(Duration.ofSeconds(1), DEFAULTS.maxConnectionIdle()));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

    Eventually.await(
        "a second connection",
        () -> {
          assertThat(Echo.call(channel, "hello")).contains("frontend");
          return shop.serverEvents.of(TlsHandshake.class).size() > 1;
        });

    assertThat(shop.serverEvents.of(TlsHandshake.class))
        .allSatisfy(
            event -> assertThat(event.tls().result()).isEqualTo(TlsHandshake.Result.SUCCESS));
  }

  private MeshRuntime limited(Duration age, Duration idle) {
    return shop.ordersRuntime(
        builder ->
            builder.limits(
                new TransportLimits(
                    DEFAULTS.handshakeTimeout(),
                    DEFAULTS.maxConnections(),
                    age,
                    DEFAULTS.maxConnectionAgeGrace(),
                    idle,
                    DEFAULTS.keepAliveTime(),
                    DEFAULTS.keepAliveTimeout(),
                    DEFAULTS.permitKeepAliveTime(),
                    DEFAULTS.maxMetadataBytes(),
                    DEFAULTS.maxCallsPerConnection(),
                    DEFAULTS.maxResetsPerWindow(),
                    DEFAULTS.resetWindow())));
  }

  private RawHttp2 connect(Server server) throws IOException {
    return new RawHttp2(
        Attacker.socket(
            Attacker.context(shop.mesh.trustDomain().issue(shop.frontend)),
            server.getPort(),
            "TLSv1.3",
            "h2"));
  }

  private static String said(RawHttp2 client) throws IOException {
    return client.await(RawHttp2.DATA).words(5);
  }

  @Test
  void closesConnectionsBeyondItsLimitCountsThemAndServesAgainWhenThereIsRoom() throws IOException {
    MeshRuntime orders =
        shop.ordersRuntime(
            builder -> builder.limits(TransportLimits.defaults().withMaxConnections(1)));
    Server small = shop.serve(orders);
    try (Socket first = new Socket(InetAddress.getLoopbackAddress(), small.getPort());
        Socket second = new Socket(InetAddress.getLoopbackAddress(), small.getPort())) {
      second.setSoTimeout(10_000);
      Attacker.assertEnds(second);
      assertThat(first.isConnected()).isTrue();
      try (Socket third = socket(small)) {
        Attacker.assertEnds(third);
      }
      Eventually.await("two are reported", () -> connectionsRefused() == 2);
      assertThat(orders.status().connections()).isEqualTo(1);
      assertThat(orders.status().connectionsRefused()).isEqualTo(2);
    }
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), small);
    Eventually.await(
        "room for a connection",
        () -> {
          try {
            return Echo.call(channel, "hello").contains("frontend");
          } catch (StatusRuntimeException e) {
            channel.resetConnectBackoff();
            return false;
          }
        });
  }

  private long connectionsRefused() {
    return shop.serverEvents.of(SvidLifecycle.class).stream()
        .filter(event -> event.svid().change() == SvidLifecycle.Change.CONNECTIONS_REFUSED)
        .mapToLong(event -> event.svid().dropped() == null ? 0 : event.svid().dropped())
        .sum();
  }

  private static Socket socket(Server server) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort());
    socket.setSoTimeout(10_000);
    return socket;
  }
}
