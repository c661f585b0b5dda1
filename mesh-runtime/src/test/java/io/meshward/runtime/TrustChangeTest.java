package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.testkit.IssuedSvid;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Live connections that are not gRPC's when an authority is taken out of the bundle. */
class TrustChangeTest {

  /** By whom a connection is made. */
  enum Client {
    SERVICE,
    KAFKA_CLIENT_OF_THE_SERVICE,
    KAFKA_CLIENT_OF_THE_RUNTIME
  }

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource
  void whoIsProvedByAnAuthorityThatIsGoneIsCutAndOthersGoOn(Client client) throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    IssuedSvid ofOldRoot = shop.mesh.trustDomain().issue(shop.orders);
    takeTheNextRoot(frontend);
    SSLEngine toOld = dial(client, frontend);
    SSLEngine old = serve(ofOldRoot);
    Engines.shakeHands(toOld, old);
    SSLEngine toNew = dial(client, frontend);
    SSLEngine current = serve(shop.mesh.trustDomain().issue(shop.orders));
    Engines.shakeHands(toNew, current);
    Engines.send(toOld, old);
    Engines.send(toNew, current);

    shop.mesh.trustDomain().retireX509Authorities();
    SvidLifecycle change =
        shop.clientEvents.await(
            SvidLifecycle.class,
            event ->
                event.svid().change() == Change.BUNDLE_CHANGED
                    && event.svid().removedKeys() != null
                    && !event.svid().removedKeys().isEmpty());

    assertThat(change.svid().trustDomain()).isEqualTo(shop.frontend.trustDomain());
    Eventually.await("the cut", () -> isCut(toOld, old));
    assertThatThrownBy(() -> Engines.send(old, toOld))
        .isInstanceOf(SSLException.class)
        .hasMessageContaining("no authority of shop.test signed it");
    Engines.send(toNew, current);
    Engines.send(current, toNew);
  }

  @Test
  void whoIsSlowToEndItsConnectionKeepsTheRuntimeFromNoSvid() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    IssuedSvid ofOldRoot = shop.mesh.trustDomain().issue(shop.orders);
    takeTheNextRoot(frontend);
    CountDownLatch ending = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    SSLEngine client =
        frontend
            .tls()
            .clientEngine(
                "127.0.0.1",
                9092,
                shop.orders::equals,
                () -> {
                  ending.countDown();
                  await(mayEnd);
                });
    Engines.shakeHands(client, serve(ofOldRoot));

    try {
      shop.mesh.trustDomain().retireX509Authorities();
      await(ending);
      takeTheNextSvid(frontend);
    } finally {
      mayEnd.countDown();
    }
  }

  private static void await(CountDownLatch latch) {
    Eventually.await("the latch", () -> latch.getCount() == 0);
  }

  private void takeTheNextRoot(MeshRuntime frontend) {
    shop.mesh.trustDomain().prepareX509Authority();
    Eventually.await("the new root", () -> authorities(frontend) == 2);
    shop.mesh.trustDomain().activateX509Authority();
    takeTheNextSvid(frontend);
  }

  private void takeTheNextSvid(MeshRuntime frontend) {
    IssuedSvid next = shop.mesh.workload(shop.frontend).rotate().get(0);
    Eventually.await("the next SVID", () -> frontend.svid().leaf().equals(next.leaf()));
  }

  private static boolean isCut(SSLEngine client, SSLEngine server) {
    try {
      Engines.send(client, server);
      return false;
    } catch (SSLException e) {
      return true;
    }
  }

  private SSLEngine dial(Client client, MeshRuntime runtime) {
    if (client == Client.SERVICE) {
      return runtime.tls().clientEngine("127.0.0.1", 9092, shop.orders::equals);
    }
    Map<String, Object> properties = new HashMap<>(runtime.kafkaClient(shop.orders.toString()));
    if (client == Client.KAFKA_CLIENT_OF_THE_RUNTIME) {
      properties.remove(KafkaSettings.WATCHED_BY);
    }
    try (MeshSslEngineFactory factory = new MeshSslEngineFactory()) {
      factory.configure(properties);
      return factory.createClientSslEngine("127.0.0.1", 9092, "");
    }
  }

  private static SSLEngine serve(IssuedSvid svid) {
    SSLEngine engine = Attacker.context(svid).createSSLEngine("127.0.0.1", 4711);
    engine.setUseClientMode(false);
    return engine;
  }

  private int authorities(MeshRuntime runtime) {
    TrustBundle bundle = runtime.identity().bundles().get(shop.frontend.trustDomain());
    return bundle == null ? 0 : bundle.authorities().size();
  }
}
