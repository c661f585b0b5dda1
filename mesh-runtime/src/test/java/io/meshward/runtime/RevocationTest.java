package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestWorkloadApi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Revocation lists in force: what comes, and what is there already. */
class RevocationTest {
  private final Shop shop = new Shop();
  private final ForgedSvids.Signer root = new ForgedSvids(shop.mesh.trustDomain()).root();
  private final IssuedSvid frontend = shop.mesh.trustDomain().issue(shop.frontend);
  @TempDir private Path folder = Path.of("/tmp");

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aListOfTheWorkloadApiCutsWhoIsThereAndRefusesWhoComes() {
    MeshRuntime orders = shop.ordersRuntime();
    Server server = shop.serve(orders);
    TestWorkloadApi api = shop.mesh.workload(shop.orders);
    send(api, TestRevocations.by(root).der());
    assertInForce(1, 0);
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), frontend));
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).endsWith("said hello");
    TlsHandshake seen = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(seen.tls().crl()).isEqualTo("unrevoked");

    send(api, TestRevocations.by(root).der(frontend.leaf()));

    assertThat(chat.end()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThatThrownBy(() -> Echo.call(channel, "again")).hasMessageContaining("UNAVAILABLE");
    TlsHandshake refused =
        shop.serverEvents.await(
            TlsHandshake.class, event -> event.tls().result() != Result.SUCCESS);
    assertThat(refused.tls().result()).isEqualTo(Result.CERTIFICATE_REVOKED);
    assertThat(refused.tls().detail()).isEqualTo("revoked");
    assertInForce(1, 1);
  }

  @Test
  void anUnreadableListIsReportedAndMakesNobodyGoodAgain() {
    Server server = shop.serve(shop.ordersRuntime());
    TestWorkloadApi api = shop.mesh.workload(shop.orders);
    send(api, TestRevocations.by(root).der(frontend.leaf()));
    shop.serverEvents.await(SvidLifecycle.class, event -> event.svid().change() == Change.CRL);

    send(api, new byte[] {0x30, 1, 2});

    SvidLifecycle told =
        shop.serverEvents.await(
            SvidLifecycle.class, event -> event.svid().change() == Change.FETCH_ERROR);
    assertThat(told.svid().error()).startsWith("crl[0] cannot be read");
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), frontend));
    assertThatThrownBy(() -> Echo.call(channel, "hello")).hasMessageContaining("UNAVAILABLE");
  }

  @Test
  void eventsSayHowManyListsAreInForceAndHowManyCertificatesTheyName() throws IOException {
    IssuedSvid other = shop.mesh.trustDomain().issue(shop.orders);
    Path file = folder.resolve("root.crl");
    Files.write(file, TestRevocations.by(root).der(frontend.leaf(), other.leaf()));
    shop.ordersRuntime(
        builder -> builder.revocation(RevocationOptions.DEFAULT.crlDirectory(folder)));
    assertInForce(1, 2);

    send(shop.mesh.workload(shop.orders), TestRevocations.by(root).der(frontend.leaf()));
    assertInForce(2, 2);

    Files.writeString(file, "no list any more");
    SvidLifecycle told =
        shop.serverEvents.await(
            SvidLifecycle.class,
            event -> event.svid().change() == Change.CRL && event.svid().error() != null);
    assertThat(told.svid().error()).contains("root.crl");
    assertThat(told.svid().revocationLists()).as("those of before stay").isEqualTo(2);
    assertThat(told.svid().revokedSerials()).isEqualTo(2);
  }

  private void assertInForce(int lists, int revoked) {
    SvidLifecycle.Svid told =
        shop.serverEvents
            .await(
                SvidLifecycle.class,
                event ->
                    event.svid().change() == Change.CRL
                        && Integer.valueOf(lists).equals(event.svid().revocationLists())
                        && Integer.valueOf(revoked).equals(event.svid().revokedSerials()))
            .svid();
    assertThat(told.error()).isNull();
  }

  @Test
  void aListInTheDirectoryCounts() throws IOException {
    Files.write(folder.resolve("root.crl"), TestRevocations.by(root).der(frontend.leaf()));
    Server server =
        shop.serve(
            shop.ordersRuntime(
                builder -> builder.revocation(RevocationOptions.DEFAULT.crlDirectory(folder))));
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), frontend));

    assertThatThrownBy(() -> Echo.call(channel, "hello")).hasMessageContaining("UNAVAILABLE");
    assertThat(shop.serverEvents.await(TlsHandshake.class, event -> true).tls().detail())
        .isEqualTo("revoked");

    Files.delete(folder.resolve("root.crl"));

    Eventually.await(
        "the list is gone",
        () -> {
          channel.resetConnectBackoff();
          return isServed(channel);
        });
  }

  @Test
  void aChainThatNoListCoversIsRefusedIfThatIsDemanded() throws IOException {
    Server server =
        shop.serve(
            shop.ordersRuntime(
                builder ->
                    builder.revocation(
                        RevocationOptions.DEFAULT.crlDirectory(folder).refuseUndetermined())));
    ManagedChannel channel = shop.closing(Attacker.dial(server.getPort(), frontend));

    assertThatThrownBy(() -> Echo.call(channel, "hello")).hasMessageContaining("UNAVAILABLE");
    assertThat(shop.serverEvents.await(TlsHandshake.class, event -> true).tls().detail())
        .isEqualTo("revocation_undetermined");

    Files.write(folder.resolve("root.crl"), TestRevocations.by(root).der());

    Eventually.await(
        "the list is read",
        () -> {
          channel.resetConnectBackoff();
          return isServed(channel);
        });
  }

  @Test
  void aDirectoryThatCannotBeReadStopsTheStart() {
    assertThatThrownBy(
            () ->
                shop.ordersRuntime(
                    builder ->
                        builder.revocation(
                            RevocationOptions.DEFAULT.crlDirectory(folder.resolve("missing")))))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("missing");
  }

  private static boolean isServed(ManagedChannel channel) {
    try {
      return Echo.call(channel, "hello").endsWith("said hello");
    } catch (io.grpc.StatusRuntimeException e) {
      return false;
    }
  }

  private static void send(TestWorkloadApi api, byte[] crl) {
    api.sendRaw(
        api.x509SvidMessage().toBuilder().clearCrl().addCrl(ByteString.copyFrom(crl)).build());
  }
}
