package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Servers and clients on Unix sockets: all that holds on TCP, but for addresses. */
class UnixSocketServerTest {
  private final Shop shop = new Shop();
  private final MeshRuntime orders = shop.ordersRuntime();
  private final MeshRuntime frontend = shop.frontendRuntime();
  private Path directory = Path.of("/tmp");
  private Path socket = directory;

  @BeforeEach
  void makeDirectory() throws IOException {
    directory = Files.createTempDirectory(Path.of("/tmp"), "mw");
    socket = directory.resolve("orders");
  }

  @AfterEach
  void close() throws IOException {
    shop.close();
    Files.deleteIfExists(socket);
    Files.delete(directory);
  }

  @Test
  void bothSidesKnowEachOther() throws IOException {
    serve();

    assertThat(Echo.call(dial(), "hello")).isEqualTo(shop.frontend + " said hello");

    TlsHandshake seen = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(seen.tls().result()).isEqualTo(Result.SUCCESS);
    assertThat(seen.peer().id()).isEqualTo(shop.frontend);
    assertThat(seen.peer().ip()).isNull();
    assertThat(seen.peer().port()).isNull();
    AuthzDecision decided = shop.serverEvents.await(AuthzDecision.class, event -> true);
    assertThat(decided.peer().id()).isEqualTo(shop.frontend);
  }

  @Test
  void eachOfTwoConnectionsHasItsOwnPeer() throws IOException {
    serve();
    MeshRuntime cashier =
        shop.closing(
            MeshRuntime.builder()
                .workloadApi(shop.mesh.addressFor("/ns/shop/sa/cashier"))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    ManagedChannel other = cashier.channelBuilder("unix://" + socket, shop.orders).build();
    ManagedChannel channel = dial();
    try {
      assertThat(Echo.call(channel, "a")).startsWith(shop.frontend.toString());
      assertThatThrownBy(() -> Echo.call(other, "b"))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              refused ->
                  assertThat(refused.getStatus().getCode())
                      .isEqualTo(Status.Code.PERMISSION_DENIED));
      assertThat(Echo.call(channel, "c")).startsWith(shop.frontend.toString());
    } finally {
      other.shutdownNow();
    }
  }

  @Test
  void aHoldCutsAndRefuses() throws IOException {
    serve();
    ManagedChannel channel = dial();
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).endsWith("said hello");

    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

    assertThat(chat.end()).isEqualTo(Status.Code.UNAVAILABLE);
    Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
    assertThatThrownBy(() -> Echo.call(channel, "again"))
        .isInstanceOf(StatusRuntimeException.class);
    TlsHandshake refused =
        shop.serverEvents.await(
            TlsHandshake.class, event -> event.tls().result() != Result.SUCCESS);
    assertThat(refused.tls().detail()).isEqualTo("quarantined");
  }

  @Test
  void aClientRefusesAnotherServerThanItExpects() throws IOException {
    serve();
    ManagedChannel channel = frontend.channelBuilder("unix:" + socket, shop.frontend).build();
    try {
      assertThatThrownBy(() -> Echo.call(channel, "hello"))
          .isInstanceOf(StatusRuntimeException.class);
      TlsHandshake refused = shop.clientEvents.await(TlsHandshake.class, event -> true);
      assertThat(refused.tls().detail()).isEqualTo("unexpected_peer_id");
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void theSocketOfADeadServerIsReplaced() throws IOException {
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket));
    }
    assertThat(socket).exists();

    serve();

    assertThat(Echo.call(dial(), "hello")).endsWith("said hello");
  }

  @Test
  void theSocketOfALiveServerIsNot() throws IOException {
    serve();

    assertThatThrownBy(this::serve)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(socket.toString());
    assertThat(Echo.call(dial(), "hello")).endsWith("said hello");
  }

  @Test
  void neitherIsAFile() throws IOException {
    Files.writeString(socket, "precious");

    assertThatThrownBy(this::serve)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(socket.toString());
    assertThat(socket).hasContent("precious");
  }

  @Test
  void aTargetNamesAnAbsolutePath() {
    assertThatThrownBy(() -> frontend.channelBuilder("unix:orders", shop.orders))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the target is 'unix:orders': expected unix:/absolute/path");
    assertThatThrownBy(() -> frontend.channelBuilder("unix://host/orders", shop.orders))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private Server serve() throws IOException {
    return shop.closing(
        orders
            .serverBuilder(UnixDomainSocketAddress.of(socket))
            .addService(Echo.service())
            .build()
            .start());
  }

  private ManagedChannel dial() {
    return shop.closing(frontend.channelBuilder("unix:" + socket, shop.orders).build());
  }
}
