package io.meshward.chaos;

import io.meshward.daemon.KafkaConfig;
import io.meshward.runtime.MeshRuntime;
import io.meshward.testkit.TestMesh;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Workloads of the mesh in this process, which apply the holds and report that. */
final class Peers implements AutoCloseable {
  static final String TRUST_DOMAIN = "example.org";

  private final TestMesh mesh = TestMesh.start(TRUST_DOMAIN);
  private final List<MeshRuntime> runtimes = new ArrayList<>();

  Peers(KafkaConfig kafka, List<String> names) {
    for (String name : names) {
      runtimes.add(
          MeshRuntime.builder()
              .workloadApi(mesh.addressFor("/ns/mesh/sa/" + name))
              .local("node-1", name)
              .kafka(Map.of("bootstrap.servers", kafka.bootstrapServers()), kafka.prefix())
              .start());
    }
  }

  /** Whether every one of them serves, and applies so many holds. */
  boolean allApply(int holds) {
    return runtimes.stream()
        .allMatch(runtime -> runtime.status().open() && runtime.status().holds() == holds);
  }

  /** How each of them stands. */
  String state() {
    return runtimes.stream().map(runtime -> runtime.status().toString()).toList().toString();
  }

  @Override
  public void close() {
    runtimes.forEach(MeshRuntime::close);
    mesh.close();
  }
}
