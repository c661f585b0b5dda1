package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshward.embedded.JavaProcess;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsProviderTest {
  private static final String HYBRID = "X25519MLKEM768";

  @Test
  void boringSslOffersTheHybridGroupFirst() {
    assertThat(TlsProvider.choose(null, List.of()))
        .isEqualTo(
            new TlsProvider(SslProvider.OPENSSL, List.of(HYBRID, "x25519", "secp256r1"), null));
  }

  @Test
  void theJdkHasGroupsOfItsOwn() {
    assertThat(TlsProvider.choose(SslProvider.JDK, List.of()))
        .isEqualTo(new TlsProvider(SslProvider.JDK, List.of(), null));
  }

  @Test
  void aGroupThatTheProviderLacksIsNamed() {
    assertThatThrownBy(() -> TlsProvider.choose(SslProvider.OPENSSL, List.of("x25519", "magic")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BoringSSL has no group 'magic'");
    assertThatThrownBy(() -> TlsProvider.choose(SslProvider.JDK, List.of("x25519", "magic")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no group [magic]")
        .hasMessageContaining("x25519");
  }

  @Test
  void twoSidesThatWantTheHybridGroupAloneAgreeOnIt() {
    try (Shop shop = new Shop()) {
      Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsGroups(HYBRID)));
      MeshRuntime frontend = shop.frontendRuntime(builder -> builder.tlsGroups(HYBRID));

      assertThat(Echo.call(shop.dial(frontend, server), "hello")).endsWith("said hello");
    }
  }

  @Test
  void aClientWithoutAGroupOfTheServersIsRefused() throws Exception {
    for (SslProvider provider : List.of(SslProvider.OPENSSL, SslProvider.JDK)) {
      try (Shop shop = new Shop()) {
        Server server =
            shop.serve(
                shop.ordersRuntime(
                    builder -> builder.tlsProvider(provider).tlsGroups("secp256r1")));
        SSLContext client = Attacker.context(shop.mesh.trustDomain().issue(shop.frontend));

        assertThat(shakesHands(client, server, "x25519")).as("with %s", provider).isFalse();
        assertThat(shakesHands(client, server, "secp256r1")).as("with %s", provider).isTrue();
      }
    }
  }

  @Test
  void withoutBoringSslTheJdkServesAndThatIsReported(@TempDir Path folder) throws Exception {
    Path fallback = folder.resolve("fallback");
    try (Shop shop = new Shop();
        JavaProcess service =
            JavaProcess.start(
                ServiceWithoutNatives.class,
                folder,
                shop.mesh.addressFor(shop.orders),
                shop.policy.toString(),
                fallback.toString())) {
      MeshRuntime frontend = shop.frontendRuntime();
      ManagedChannel channel =
          shop.closing(
              frontend.channelBuilder("127.0.0.1:" + service.uri().getPort(), shop.orders).build());

      assertThat(Echo.call(channel, "hello")).isEqualTo(shop.frontend + " said hello");
      assertThat(fallback).content().contains("BoringSSL is not available").contains("noOpenSsl");
    }
  }

  @Test
  void aFallbackToTheJdkIsReported() {
    RecordingSink sink = new RecordingSink();
    EventReporter reporter =
        new EventReporter(sink, java.time.Clock.systemUTC(), () -> null, null, null, "i");
    LifecycleEvents events =
        new LifecycleEvents(reporter, new NoIdentity(), java.time.Clock.systemUTC());

    events.tlsFallback(new TlsProvider(SslProvider.OPENSSL, List.of(), null));
    events.tlsFallback(new TlsProvider(SslProvider.JDK, List.of(), "no library for this machine"));

    assertThat(sink.of(SvidLifecycle.class))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.svid().change()).isEqualTo(Change.TLS_FALLBACK);
              assertThat(event.svid().error()).isEqualTo("no library for this machine");
            });
  }

  /** Why no SVID with such a key is taken up: half of the mesh could not know its peer. */
  @Test
  void boringSslKnowsNoPeerWithAnEd25519KeyThoughTheJdkDoes() throws Exception {
    for (SslProvider provider : List.of(SslProvider.OPENSSL, SslProvider.JDK)) {
      try (Shop shop = new Shop()) {
        Server server = shop.serve(shop.ordersRuntime(builder -> builder.tlsProvider(provider)));
        Shown shown = new ForgedSvids(shop.mesh.trustDomain()).ofEd25519(shop.frontend);
        SSLContext client = Attacker.context(shown.chain(), shown.key());

        try (SSLSocket socket = Attacker.socket(client, server.getPort(), "TLSv1.3", "h2")) {
          assertThat(Attacker.isServed(socket))
              .as("with %s", provider)
              .isEqualTo(provider == SslProvider.JDK);
        }
      }
    }
  }

  private static boolean shakesHands(SSLContext client, Server server, String group)
      throws java.io.IOException {
    try (SSLSocket socket = Attacker.socket(client, server.getPort(), "TLSv1.3", "h2")) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setNamedGroups(new String[] {group});
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      return true;
    } catch (javax.net.ssl.SSLException e) {
      return false;
    }
  }

  private static final class NoIdentity implements IdentitySource {
    @Override
    public void watch(java.util.function.Consumer<IdentityUpdate> listener) {}

    @Override
    public void refresh() {}

    @Override
    public long opened() {
      return 0;
    }

    @Override
    public String whatToCheck() {
      return "nothing";
    }

    @Override
    public void close() {}
  }
}
