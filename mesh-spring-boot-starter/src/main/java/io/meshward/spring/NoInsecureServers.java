package io.meshward.spring;

import java.util.ArrayList;
import java.util.List;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.context.ApplicationContext;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.grpc.server.InProcessGrpcServerFactory;
import org.springframework.util.ClassUtils;

/** Refuses to start where anything but the mesh would serve gRPC over a network. */
final class NoInsecureServers implements SmartInitializingSingleton {
  private static final String SERVLETS =
      "org.springframework.boot.grpc.server.GrpcServletRegistration";
  private static final String UNSHADED = "io.grpc.netty.NettyServerBuilder";

  private final ApplicationContext context;

  NoInsecureServers(ApplicationContext context) {
    this.context = context;
  }

  @Override
  public void afterSingletonsInstantiated() {
    List<String> found = new ArrayList<>();
    context
        .getBeansOfType(GrpcServerFactory.class)
        .forEach(
            (name, factory) -> {
              if (!(factory instanceof MeshGrpcServerFactory)
                  && !(factory instanceof InProcessGrpcServerFactory)) {
                found.add("bean '" + name + "' of " + factory.getClass().getName());
              }
            });
    ClassLoader loader = context.getClassLoader();
    // Without a servlet container there is no such class.
    if (ClassUtils.isPresent(SERVLETS, loader)) {
      Class<?> servlets = ClassUtils.resolveClassName(SERVLETS, loader);
      for (String name : context.getBeanNamesForType(servlets)) {
        found.add("bean '" + name + "', which serves gRPC over HTTP");
      }
    }
    if (ClassUtils.isPresent(UNSHADED, loader)) {
      found.add("io.grpc:grpc-netty, which the mesh cannot guard");
    }
    if (!found.isEmpty()) {
      throw new InsecureGrpcServerException(found);
    }
  }
}
