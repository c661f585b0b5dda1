package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.UnaryOperator;

/**
 * A mesh of two workloads over real sockets: {@code orders} serves {@link Echo}, {@code frontend}
 * calls it.
 */
final class Shop implements AutoCloseable {
  static final String FRONTEND_PATH = "/ns/shop/sa/frontend";
  static final String ORDERS_PATH = "/ns/shop/sa/orders";
  static final String ALLOW_FRONTEND =
      """
      {"name": "orders", "allow_rules": [{
        "name": "frontend",
        "source": {"principals": ["spiffe://shop.test/ns/shop/sa/frontend"]},
        "request": {"paths": ["/meshward.test.Echo/*"]}}]}
      """;

  final TestMesh mesh = TestMesh.start("shop.test");
  final SpiffeId frontend = mesh.trustDomain().name().id(FRONTEND_PATH);
  final SpiffeId orders = mesh.trustDomain().name().id(ORDERS_PATH);
  final RecordingSink serverEvents = new RecordingSink();
  final RecordingSink clientEvents = new RecordingSink();
  final HeldIdentities serverHolds = HeldIdentities.none();
  final HeldIdentities clientHolds = HeldIdentities.none();
  final Path policy;
  private final Deque<Runnable> open = new ArrayDeque<>();

  Shop() {
    try {
      policy = Files.createTempFile("policy", ".json");
      Files.writeString(policy, ALLOW_FRONTEND, UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  MeshRuntime ordersRuntime() {
    return ordersRuntime(UnaryOperator.identity());
  }

  MeshRuntime ordersRuntime(UnaryOperator<MeshRuntimeBuilder> more) {
    return closing(
        more.apply(
                MeshRuntime.builder()
                    .workloadApi(mesh.addressFor(orders))
                    .policy(policy)
                    .events(serverEvents)
                    .quarantine(serverHolds))
            .start());
  }

  MeshRuntime frontendRuntime() {
    return frontendRuntime(UnaryOperator.identity());
  }

  MeshRuntime frontendRuntime(UnaryOperator<MeshRuntimeBuilder> more) {
    return closing(
        more.apply(
                MeshRuntime.builder()
                    .workloadApi(mesh.addressFor(frontend))
                    .events(clientEvents)
                    .quarantine(clientHolds))
            .start());
  }

  MeshRuntime closing(MeshRuntime runtime) {
    open.push(runtime::close);
    return runtime;
  }

  /** Starts {@link Echo}. */
  Server serve(MeshRuntime runtime) {
    try {
      Server server =
          runtime
              .serverBuilder(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .addService(Echo.service())
              .build()
              .start();
      return closing(server);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ManagedChannel dial(MeshRuntime runtime, Server server) {
    return dial(runtime, server, orders);
  }

  ManagedChannel dial(MeshRuntime runtime, Server server, SpiffeId expected) {
    return closing(runtime.channelBuilder(target(server), expected).build());
  }

  ManagedChannel closing(ManagedChannel channel) {
    open.push(channel::shutdownNow);
    return channel;
  }

  static String target(Server server) {
    return "127.0.0.1:" + server.getPort();
  }

  Server closing(Server server) {
    open.push(server::shutdownNow);
    return server;
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      open.pop().run();
    }
    mesh.close();
    try {
      Files.deleteIfExists(policy);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
