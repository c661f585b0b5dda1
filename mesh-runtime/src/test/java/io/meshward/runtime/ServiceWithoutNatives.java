package io.meshward.runtime;

import io.grpc.Server;
import io.meshward.embedded.JavaProcess;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** Serves {@link Echo} on a machine for which there is no BoringSSL. */
final class ServiceWithoutNatives {
  private ServiceWithoutNatives() {}

  /**
   * Serves until it is killed.
   *
   * @param arguments the Workload API, the policy, the file for the fallback that is reported, and
   *     the file for the address
   */
  public static void main(String[] arguments) throws Exception {
    // Before anything of Netty's TLS is loaded.
    System.setProperty("io.grpc.netty.shaded.io.netty.handler.ssl.noOpenSsl", "true");
    RecordingSink events = new RecordingSink();
    MeshRuntime runtime =
        MeshRuntime.builder()
            .workloadApi(arguments[0])
            .policy(Path.of(arguments[1]))
            .events(events)
            .quarantine(HeldIdentities.none())
            .start();
    SvidLifecycle fallback =
        events.await(SvidLifecycle.class, event -> event.svid().change() == Change.TLS_FALLBACK);
    Files.writeString(Path.of(arguments[2]), String.valueOf(fallback.svid().error()));
    Server server =
        runtime
            .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(Echo.service())
            .build()
            .start();
    JavaProcess.answersAt(URI.create("grpc://127.0.0.1:" + server.getPort()), arguments[3]);
    server.awaitTermination();
  }
}
