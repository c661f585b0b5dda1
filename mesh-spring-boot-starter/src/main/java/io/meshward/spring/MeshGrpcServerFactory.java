package io.meshward.spring;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshServerBuilder;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.grpc.server.GrpcServerFactory;

/**
 * Makes the one server of an application: by mutual TLS with its SVID, behind its policy. Spring's
 * builder customizers do not apply, since they could take either away; a {@link
 * MeshServerCustomizer} can add what does not. For one thread.
 */
final class MeshGrpcServerFactory implements GrpcServerFactory {
  private final MeshRuntime runtime;
  private final SocketAddress address;
  private final List<MeshServerCustomizer> customizers;
  private final Map<String, ServerServiceDefinition> services = new LinkedHashMap<>();

  MeshGrpcServerFactory(
      MeshRuntime runtime, SocketAddress address, List<MeshServerCustomizer> customizers) {
    this.runtime = runtime;
    this.address = address;
    this.customizers = new ArrayList<>(customizers);
  }

  @Override
  public void addService(ServerServiceDefinition service) {
    String name = service.getServiceDescriptor().getName();
    if (services.putIfAbsent(name, service) != null) {
      throw new IllegalStateException("the gRPC service " + name + " has two implementations");
    }
  }

  @Override
  public Server createServer() {
    MeshServerBuilder builder = runtime.serverBuilder(address);
    services.values().forEach(builder::addService);
    customizers.forEach(customizer -> customizer.customize(builder));
    return builder.build();
  }
}
