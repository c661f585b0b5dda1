package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.spiffe.svid.jwtsvid.JwtSvid;
import io.spiffe.workloadapi.DefaultWorkloadApiClient;
import io.spiffe.workloadapi.DefaultWorkloadApiClient.ClientOptions;
import io.spiffe.workloadapi.Watcher;
import io.spiffe.workloadapi.X509Context;
import java.math.BigInteger;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A client that is not ours, java-spiffe's, understands what is served. */
class ForeignClientTest {

  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  @Test
  void readsAndWatchesTheWorkloadApi() throws Exception {
    try (var mesh = TestMesh.start("shop.test");
        var client =
            DefaultWorkloadApiClient.newClient(
                ClientOptions.builder().spiffeSocketPath(mesh.addressFor(ORDERS)).build())) {
      mesh.trustDomain().federateWith(TestTrustDomain.create("partner.test"));

      X509Context context = client.fetchX509Context();
      assertThat(context.getDefaultSvid().getSpiffeId()).hasToString(ORDERS.toString());
      assertThat(context.getX509BundleSet().getBundles()).hasSize(2);
      JwtSvid token = client.fetchJwtSvid("payments");
      assertThat(client.validateJwtSvid(token.getToken(), "payments").getSpiffeId())
          .hasToString(ORDERS.toString());
      assertThat(client.fetchJwtBundles().getBundles()).hasSize(2);

      var serials = new LinkedBlockingQueue<BigInteger>();
      client.watchX509Context(new Serials(serials));
      assertThat(next(serials)).isEqualTo(mesh.workload(ORDERS).svids().get(0).serialNumber());
      BigInteger rotated = mesh.workload(ORDERS).rotate().get(0).serialNumber();
      assertThat(next(serials)).isEqualTo(rotated);
    }
  }

  private static BigInteger next(BlockingQueue<BigInteger> serials) throws InterruptedException {
    BigInteger next = serials.poll(1, TimeUnit.MINUTES);
    assertThat(next).isNotNull();
    return next;
  }

  private record Serials(BlockingQueue<BigInteger> seen) implements Watcher<X509Context> {

    @Override
    public void onUpdate(X509Context update) {
      seen.add(update.getDefaultSvid().getLeaf().getSerialNumber());
    }

    @Override
    public void onError(Throwable error) {
      // The missing update is what the test sees.
    }
  }
}
