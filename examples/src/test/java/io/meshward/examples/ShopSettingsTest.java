package io.meshward.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ShopSettingsTest {
  private final Map<String, String> environment =
      new HashMap<>(
          Map.of(
              "SHOP_IDENTITIES", "spiffe://example.org/ns/shop/sa/",
              "SPIFFE_ENDPOINT_SOCKET", "unix:/run/spire/agent.sock",
              "SHOP_ENDPOINTS", "/run/endpoints",
              "SHOP_KAFKA", "localhost:9092"));

  @Test
  void readsTheEnvironment() {
    environment.put("SHOP_ADDRESS", "127.70.0.3");

    ShopSettings settings = ShopSettings.fromEnvironment("orders", environment);

    assertThat(settings.identityOf("payment"))
        .hasToString("spiffe://example.org/ns/shop/sa/payment");
    assertThat(settings.listenAddress().getAddress().getHostAddress()).isEqualTo("127.70.0.3");
    assertThat(settings.listenAddress().getPort()).isZero();
    assertThat(settings.hint()).isEmpty();
    assertThat(settings.topicPrefix()).isEqualTo("meshward");
  }

  @Test
  void missingVariableIsNamed() {
    for (String name : Map.copyOf(environment).keySet()) {
      Map<String, String> without = new HashMap<>(environment);
      without.remove(name);

      assertThatIllegalArgumentException()
          .isThrownBy(() -> ShopSettings.fromEnvironment("orders", without))
          .withMessageContaining(name);
    }
  }
}
