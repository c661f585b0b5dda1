package io.meshward.examples;

import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TopicCatalogue;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.CommonClientConfigs;
import org.jspecify.annotations.Nullable;

/**
 * What a service of the shop is told by its environment, as a deployment would.
 *
 * @param name the service's name
 * @param identities what comes before a service's name in its SPIFFE ID: {@code
 *     spiffe://example.org/ns/shop/sa/}
 * @param workloadApi the Workload API's address ({@code unix:/path}), from which identity comes
 * @param hint tells the service's SVID from others that the Workload API offers, if it does
 * @param address the address it listens on and calls from
 * @param endpoints a folder with one file per service, which lists where that service listens
 * @param policy who may call what: the JSON of gRFC A43; only callers go without
 * @param kafka {@code host:port} of the brokers
 * @param topicPrefix what the names of Meshward's topics start with
 * @param node the node it runs on, if told
 * @param pod the pod it runs in, if told
 */
public record ShopSettings(
    String name,
    String identities,
    String workloadApi,
    Optional<String> hint,
    InetAddress address,
    Path endpoints,
    Optional<Path> policy,
    String kafka,
    String topicPrefix,
    @Nullable String node,
    @Nullable String pod) {

  /**
   * Reads the environment.
   *
   * @throws IllegalArgumentException naming the variable that is missing or wrong
   */
  static ShopSettings fromEnvironment(String name, Map<String, String> environment) {
    Variables variables = new Variables(environment);
    return new ShopSettings(
        name,
        variables.required("SHOP_IDENTITIES"),
        variables.required("SPIFFE_ENDPOINT_SOCKET"),
        variables.optional("SHOP_SVID_HINT"),
        variables.address("SHOP_ADDRESS"),
        Path.of(variables.required("SHOP_ENDPOINTS")),
        variables.optional("SHOP_POLICY").map(Path::of),
        variables.required("SHOP_KAFKA"),
        variables.optional("SHOP_TOPIC_PREFIX").orElse(TopicCatalogue.DEFAULT_PREFIX),
        variables.optional("NODE_NAME").orElse(null),
        variables.optional("POD_NAME").orElse(null));
  }

  /** The SPIFFE ID of a service of this shop. */
  SpiffeId identityOf(String service) {
    return SpiffeId.parse(identities + service);
  }

  /** Where the service listens: a free port of its address. */
  InetSocketAddress listenAddress() {
    return new InetSocketAddress(address, 0);
  }

  /** The mesh runtime of this service, ready to start. */
  MeshRuntimeBuilder mesh() {
    MeshRuntimeBuilder mesh =
        MeshRuntime.builder()
            .workloadApi(workloadApi)
            .kafka(Map.of(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, kafka), topicPrefix)
            .local(node, pod);
    hint.ifPresent(mesh::hint);
    policy.ifPresent(mesh::policy);
    return mesh;
  }

  private record Variables(Map<String, String> environment) {
    Optional<String> optional(String name) {
      return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    String required(String name) {
      return optional(name)
          .orElseThrow(() -> new IllegalArgumentException(name + " is not set in the environment"));
    }

    InetAddress address(String name) {
      String value = optional(name).orElse("127.0.0.1");
      try {
        return InetAddress.getByName(value);
      } catch (UnknownHostException e) {
        throw new IllegalArgumentException(
            name + " is '" + value + "': expected an IP address of this host", e);
      }
    }
  }
}
