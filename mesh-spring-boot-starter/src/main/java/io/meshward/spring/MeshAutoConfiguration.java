package io.meshward.spring;

import io.grpc.BindableService;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import io.meshward.runtime.MeshRuntimeException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerServicesAutoConfiguration;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycle;
import org.springframework.grpc.server.service.GrpcServiceConfigurer;
import org.springframework.grpc.server.service.GrpcServiceDiscoverer;

/**
 * Serves all gRPC services of the application in the mesh. Where Spring gRPC would make a server
 * without TLS, it finds ours and makes none; where something else would serve, the application does
 * not start.
 */
@AutoConfiguration(
    after = GrpcServerServicesAutoConfiguration.class,
    before = GrpcServerAutoConfiguration.class)
@ConditionalOnBooleanProperty(name = "spring.grpc.server.enabled", matchIfMissing = true)
@EnableConfigurationProperties({MeshProperties.class, GrpcServerProperties.class})
public class MeshAutoConfiguration {

  /** The application's place in the mesh; closed with it. */
  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  MeshRuntime meshRuntime(
      MeshProperties properties, ObjectProvider<MeshRuntimeCustomizer> customizers) {
    MeshRuntimeBuilder runtime = MeshRuntime.builder();
    if (properties.workloadApi() != null) {
      runtime.workloadApi(properties.workloadApi());
    }
    if (properties.policy() != null) {
      runtime.policy(properties.policy());
    }
    if (!properties.kafka().properties().isEmpty()) {
      runtime.kafka(new HashMap<>(properties.kafka().properties()), properties.kafka().prefix());
    }
    if (properties.withoutEvents()) {
      runtime.withoutEvents();
    }
    if (properties.withoutQuarantine()) {
      runtime.withoutQuarantine();
    }
    customizers.orderedStream().forEach(customizer -> customizer.customize(runtime));
    try {
      return runtime.start();
    } catch (IllegalArgumentException e) {
      throw new MeshRuntimeException(
          e.getMessage()
              + "; the properties for that are meshward.kafka.properties.bootstrap.servers,"
              + " meshward.without-events and meshward.without-quarantine, and all else is for a"
              + " MeshRuntimeCustomizer",
          e);
    }
  }

  @Bean
  @ConditionalOnBean(BindableService.class)
  MeshGrpcServerFactory meshGrpcServerFactory(
      MeshRuntime runtime,
      GrpcServerProperties properties,
      GrpcServiceDiscoverer discoverer,
      GrpcServiceConfigurer configurer,
      ObjectProvider<MeshServerCustomizer> customizers) {
    MeshGrpcServerFactory factory =
        new MeshGrpcServerFactory(
            runtime, address(properties), customizers.orderedStream().toList());
    discoverer.findServices().stream()
        .map(service -> configurer.configure(service, factory))
        .forEach(factory::addService);
    return factory;
  }

  private static InetSocketAddress address(GrpcServerProperties properties) {
    String socket = properties.getNetty().getDomainSocketPath();
    if (socket != null) {
      throw new InvalidConfigurationPropertyValueException(
          "spring.grpc.server.netty.domain-socket-path",
          socket,
          "Expected none: the mesh's server listens on spring.grpc.server.address and port.");
    }
    InetAddress address = properties.getAddress();
    int port = properties.getPort() == null ? 9090 : properties.getPort();
    return address == null ? new InetSocketAddress(port) : new InetSocketAddress(address, port);
  }

  @Bean
  @ConditionalOnBean(MeshGrpcServerFactory.class)
  GrpcServerLifecycle meshGrpcServerLifecycle(
      MeshGrpcServerFactory factory,
      GrpcServerProperties properties,
      ApplicationEventPublisher events) {
    return new GrpcServerLifecycle(factory, properties.getShutdown().getGracePeriod(), events);
  }

  @Bean
  static NoInsecureServers noInsecureServers(ApplicationContext context) {
    return new NoInsecureServers(context);
  }
}
