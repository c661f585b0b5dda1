package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.examples.AuthProxyService;
import io.meshward.examples.FrontendService;
import io.meshward.examples.OrdersService;
import io.meshward.examples.PaymentService;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * What the shop's processes are told.
 *
 * @param mainClasses what runs for each service
 * @param identities what comes before a service's name in its SPIFFE ID
 * @param workloadApi the address of a service's Workload API, by its name
 * @param hint the hint of a service's SVID, if the Workload API offers several
 * @param folder holds their policies and endpoints
 * @param logs takes their logs
 */
record ShopEnvironment(
    Map<String, Class<?>> mainClasses,
    String identities,
    UnaryOperator<String> workloadApi,
    Function<String, Optional<String>> hint,
    String kafka,
    String topicPrefix,
    Path folder,
    LogFolder logs) {

  /** The shop's services, with how many of each there are. */
  static final Map<String, Integer> REPLICAS =
      Map.of("frontend", 2, "orders", 1, "payment", 1, "auth-proxy", 2);

  /** What runs for each service. */
  static final Map<String, Class<?>> MAIN_CLASSES =
      Map.of(
          "frontend", FrontendService.class,
          "orders", OrdersService.class,
          "payment", PaymentService.class,
          "auth-proxy", AuthProxyService.class);

  private static final String SHIPPED_IDENTITIES = "spiffe://example.org/ns/shop/sa/";

  /** Services that others call. */
  static final List<String> SERVERS = List.of("orders", "payment", "auth-proxy");

  Class<?> mainClass(String service) {
    return Optional.<Class<?>>ofNullable(mainClasses.get(service))
        .orElseThrow(() -> new IllegalArgumentException("the shop has no service " + service));
  }

  Path endpoints() {
    return folder.resolve("endpoints");
  }

  Path policy(String service) {
    return folder.resolve("policies").resolve(service + ".json");
  }

  /** Writes the policies that come with the shop, for its identities. */
  void writePolicies() throws IOException {
    for (String service : SERVERS) {
      try (InputStream policy =
          ShopEnvironment.class.getResourceAsStream("/policies/" + service + ".json")) {
        String text = new String(Objects.requireNonNull(policy).readAllBytes(), UTF_8);
        Files.writeString(policy(service), text.replace(SHIPPED_IDENTITIES, identities));
      }
    }
  }

  Map<String, String> variables(String service, String pod, String node, String address) {
    Map<String, String> variables = new HashMap<>();
    variables.put("SHOP_IDENTITIES", identities);
    variables.put("SPIFFE_ENDPOINT_SOCKET", workloadApi.apply(service));
    hint.apply(service).ifPresent(value -> variables.put("SHOP_SVID_HINT", value));
    variables.put("SHOP_ADDRESS", address);
    variables.put("SHOP_ENDPOINTS", endpoints().toString());
    variables.put("SHOP_KAFKA", kafka);
    variables.put("SHOP_TOPIC_PREFIX", topicPrefix);
    variables.put("SHOP_STOP_WITH_PARENT", "true");
    variables.put("POD_NAME", pod);
    variables.put("NODE_NAME", node);
    if (SERVERS.contains(service)) {
      variables.put("SHOP_POLICY", policy(service).toString());
    }
    return variables;
  }
}
