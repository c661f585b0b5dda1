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
    List<InsecureServer> found = new ArrayList<>();
    context
        .getBeansOfType(GrpcServerFactory.class)
        .forEach(
            (name, factory) -> {
              if (!(factory instanceof MeshGrpcServerFactory)
                  && !(factory instanceof InProcessGrpcServerFactory)) {
                String what = "bean '" + name + "' of " + factory.getClass().getName();
                found.add(
                    new InsecureServer(
                        what,
                        "remove "
                            + what
                            + ", since the starter makes the one server of the application;"
                            + " in-process servers are fine"));
              }
            });
    ClassLoader loader = context.getClassLoader();
    // Without a servlet container there is no such class.
    if (ClassUtils.isPresent(SERVLETS, loader)) {
      Class<?> servlets = ClassUtils.resolveClassName(SERVLETS, loader);
      for (String name : context.getBeanNamesForType(servlets)) {
        found.add(
            new InsecureServer(
                "bean '" + name + "', which serves gRPC over HTTP",
                "set spring.grpc.server.servlet.enabled to false, or remove bean '"
                    + name
                    + "' if it is your own"));
      }
    }
    if (ClassUtils.isPresent(UNSHADED, loader)) {
      found.add(
          new InsecureServer(
              "io.grpc:grpc-netty, which the mesh cannot guard",
              "exclude io.grpc:grpc-netty from the dependency that brings it, which"
                  + " mvn dependency:tree -Dincludes=io.grpc:grpc-netty names"));
    }
    if (!found.isEmpty()) {
      throw new InsecureGrpcServerException(found);
    }
  }
}
