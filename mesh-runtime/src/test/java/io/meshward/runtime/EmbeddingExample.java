package io.meshward.runtime;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** The example of the README, compiled. */
final class EmbeddingExample {
  private EmbeddingExample() {}

  static void run(BindableService orders, SpiffeId paymentId)
      throws IOException, InterruptedException {
    try (MeshRuntime mesh =
        MeshRuntime.builder()
            .workloadApi("unix:/run/spire/agent.sock")
            .policy(Path.of("policy.json"))
            .kafka(Map.of("bootstrap.servers", "kafka:9092"), "meshward")
            .start()) {
      Server server = mesh.serverBuilder(8443).addService(orders).build().start();
      ManagedChannel payment = mesh.channelBuilder("dns:///payment:8443", paymentId).build();
      server.awaitTermination();
      payment.shutdown();
    }
  }
}
