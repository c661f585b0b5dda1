package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TestMeshTest {

  @Test
  void givesEachWorkloadItsOwnSocketInTwoLines() throws Exception {
    Path directory;
    try (var mesh = TestMesh.start("shop.test")) {
      String orders = mesh.addressFor("/ns/shop/sa/orders");
      String audit = mesh.addressFor(SpiffeId.parse("spiffe://shop.test/ns/shop/sa/audit"));

      assertThat(orders).startsWith("unix:/").isNotEqualTo(audit);
      assertThat(mesh.addressFor("/ns/shop/sa/orders")).isEqualTo(orders);
      try (var client = WorkloadApiClient.of(mesh.workload("/ns/shop/sa/orders"))) {
        assertThat(client.x509Svids().next().getSvids(0).getSpiffeId())
            .isEqualTo("spiffe://shop.test/ns/shop/sa/orders");
      }
      directory = mesh.workload("/ns/shop/sa/orders").socket().getParent();
    }
    assertThat(directory).doesNotExist();
  }

  @Test
  void sharesATrustDomain() {
    var shop = TestTrustDomain.create("shop.test");
    try (var mesh = TestMesh.start(shop)) {
      assertThat(mesh.trustDomain()).isSameAs(shop);
      assertThat(mesh.workload("/orders").trustDomain()).isSameAs(shop);
    }
  }
}
