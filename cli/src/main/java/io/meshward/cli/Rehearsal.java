package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.runtime.MeshRuntime;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.Set;

/**
 * One life of the conformance harness, with a Workload API of its own. The launcher lets the JVM
 * record it once, so that later starts of any command find most classes loaded and linked.
 */
final class Rehearsal {
  private static final int CALLS = 10;

  private Rehearsal() {}

  public static void main(String[] arguments) throws IOException {
    // What every command begins with.
    Meshward.commandLine().parseArgs("spiffe-harness");
    run();
    System.exit(ExitCode.OK);
  }

  /**
   * Has a harness do all that it can, on itself.
   *
   * @throws IOException if it refuses anything
   */
  static void run() throws IOException {
    try (TestMesh mesh = TestMesh.start("rehearsal.test")) {
      SpiffeId self = mesh.trustDomain().name().id("/harness");
      try (MeshRuntime runtime =
              SpiffeHarnessCommand.settings().workloadApi(mesh.addressFor(self)).start();
          SpiffeHarness harness = SpiffeHarness.start(runtime)) {
        String token = mesh.trustDomain().issueJwt(self, Set.of("harness"), Duration.ofMinutes(1));
        for (int i = 0; i < CALLS; i++) {
          post(harness, "/v1/x509/dial", "{'address':'127.0.0.1:" + harness.x509Port() + "'}");
          post(harness, "/v1/jwt/validate", "{'token':'" + token + "','audience':'harness'}");
          post(harness, "/v1/jwt/fetch", "{'audience':['harness'],'spiffe_id':''}");
        }
      }
    }
  }

  private static void post(SpiffeHarness harness, String path, String json) throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection)
            URI.create("http://127.0.0.1:" + harness.controlPort() + path).toURL().openConnection();
    connection.setDoOutput(true);
    connection.getOutputStream().write(json.replace('\'', '"').getBytes(UTF_8));
    // Fails for whatever is not a success.
    try (InputStream body = connection.getInputStream()) {
      body.readAllBytes();
    }
  }
}
