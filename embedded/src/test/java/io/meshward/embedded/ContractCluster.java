package io.meshward.embedded;

import io.fabric8.kubernetes.client.Config;
import java.net.URI;
import java.net.http.HttpClient;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A cluster that a contract suite runs against: the double, or a real disposable one. Each suite
 * works in a random namespace of its own, which is removed at the end.
 */
abstract class ContractCluster implements AutoCloseable {

  private final String namespace = "meshward-" + HexFormat.of().toHexDigits(new Random().nextInt());
  private @Nullable ApiClient api;

  /** Where the API listens. */
  abstract URI url();

  /**
   * A new client that trusts the API, and that the API knows by its certificate if it asks for one.
   */
  abstract HttpClient http();

  /** The bearer token, if the API wants one. */
  abstract Optional<String> token();

  /** The same as a fabric8 configuration. */
  abstract Config config();

  /** Skips the test, with one line that says why, where the cluster is not given. */
  abstract void assumeGiven();

  final String namespace() {
    return namespace;
  }

  /** A client, after the namespace has been made. */
  final ApiClient open() {
    ApiClient client = api;
    if (client == null) {
      client = new ApiClient(this);
      client
          .post("/api/v1/namespaces", "{\"metadata\":{\"name\":\"" + namespace + "\"}}")
          .hasCode(201);
      client.await(
          "/api/v1/namespaces/" + namespace + "/serviceaccounts/default", a -> a.code() == 200);
      api = client;
    }
    return client;
  }

  @Override
  public void close() {
    if (api != null) {
      api.delete("/api/v1/namespaces/" + namespace);
      api.close();
    }
  }
}
