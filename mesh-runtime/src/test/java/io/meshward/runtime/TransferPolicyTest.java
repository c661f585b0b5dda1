package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Metadata;
import io.meshward.runtime.PolicyStore.PolicyFiles;
import io.meshward.runtime.ServiceTable.Granularity;
import io.meshward.runtime.ServiceTable.Service;
import io.meshward.schemas.SpiffeId;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shipped example: a transfer is for one service, at low risk, over mutual TLS. */
class TransferPolicyTest {
  private static final Path FOLDER = Path.of("../examples/policies/transfer");
  private static final SpiffeId PAYMENT = id("/ns/shop/sa/svc-payment");

  @ParameterizedTest
  @CsvSource({
    "/ns/shop/sa/svc-payment, /api/v1/transfer, 0.29, true",
    "/ns/shop/sa/svc-payment, /api/v1/transfer, 0.3, false",
    "/ns/shop/sa/svc-payment, /api/v1/transfer, NaN, false",
    "/ns/shop/sa/svc-payment, /api/v1/transfers, 0, false",
    "/ns/shop/sa/svc-payments, /api/v1/transfer, 0, false",
    "/ns/audit/sa/ledger, /api/v1/list, NaN, true",
    "/ns/shop/sa/svc-payment, /api/v1/list, 0, false"
  })
  void isDecidedAsThePolicySays(String caller, String path, double risk, boolean allowed) {
    AuthorizationPolicy policy = store("policy.json").current().enforced();

    assertThat(
            policy
                .decide(Calls.of(id(caller), path, new Metadata(), any -> risk, TokenClaims.ABSENT))
                .allowed())
        .isEqualTo(allowed);
  }

  @Test
  void istiosFormSaysTheSameButForTheRisk() {
    AuthorizationPolicy policy = store("istio.yaml").current().enforced();

    assertThat(policy.decide(Calls.of(PAYMENT, "/api/v1/transfer")).allowed()).isTrue();
    assertThat(policy.decide(Calls.of(PAYMENT, "/api/v1/list")).allowed()).isFalse();
    assertThat(policy.decide(Calls.of(id("/ns/shop/sa/orders"), "/api/v1/transfer")).allowed())
        .isFalse();
  }

  @Test
  void theTableOfServicesIsConfiguration() {
    ServiceTable table = store("policy.json").current().services();
    Service orders = table.find(id("/ns/shop/sa/orders")).orElseThrow();
    Service payment = table.find(PAYMENT).orElseThrow();
    Service gateway = table.find(id("/ns/mesh/sa/gateway")).orElseThrow();

    assertThat(orders.maxLifetime()).isEqualTo(Duration.ofMinutes(15));
    assertThat(orders.granularity()).isEqualTo(Granularity.IDENTITY);
    assertThat(payment.granularity()).isEqualTo(Granularity.PATH_PREFIX);
    assertThat(gateway.maxLifetime()).isEqualTo(Duration.ofHours(24));
    assertThat(gateway.granularity()).isEqualTo(Granularity.GATEWAY);
    assertThat(gateway.rotation()).isEqualTo(ServiceTable.Rotation.MANUAL);
    assertThat(table.find(id("/ns/shop/sa/other"))).isEmpty();
  }

  private static PolicyStore store(String policy) {
    PolicyStore store =
        new PolicyStore(
            new PolicyFiles(
                FOLDER.resolve(policy),
                null,
                FOLDER.resolve("roles.yaml"),
                FOLDER.resolve("services.yaml")),
            null,
            AuthorizationPolicy.REFUSE_ALL);
    store.load();
    store.servedBy(PAYMENT);
    return store;
  }

  private static SpiffeId id(String path) {
    return SpiffeId.parse("spiffe://example.org" + path);
  }
}
