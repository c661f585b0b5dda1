package io.meshward.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.meshward.runtime.MeshRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.grpc.server.GrpcServerFactory;

/** What keeps an application from starting: each in a context of its own, which has no more. */
class NoInsecureServersTest {
  private static final String SERVLETS =
      "org.springframework.boot.grpc.server.GrpcServletRegistration";
  private static final String UNSHADED = "io.grpc.netty.NettyServerBuilder";

  @TempDir private Path directory;

  @Test
  void anApplicationWithoutAnyServerStarts() {
    assertThatCode(() -> start(context -> {})).doesNotThrowAnyException();
  }

  @Test
  void theMeshsServerIsFine() {
    assertThatCode(
            () ->
                start(
                    context ->
                        context.registerBean(
                            MeshGrpcServerFactory.class, NoInsecureServersTest::unstarted)))
        .doesNotThrowAnyException();
  }

  @Test
  void allWaysInAreNamedAtOnce() {
    assertThatThrownBy(
            () ->
                start(
                    context -> {
                      context.setClassLoader(having(UNSHADED));
                      context.registerBean("plain", Insecure.class, Insecure::new);
                    }))
        .isInstanceOfSatisfying(
            InsecureGrpcServerException.class,
            refused -> {
              assertThat(refused.description()).contains("bean 'plain'").contains("grpc-netty");
              assertThat(refused.action().lines()).hasSize(2);
            });
  }

  @Test
  void anyOtherFactoryIsRefusedByItsName() {
    assertThatThrownBy(
            () -> start(context -> context.registerBean("plain", Insecure.class, Insecure::new)))
        .isInstanceOfSatisfying(
            InsecureGrpcServerException.class,
            refused -> {
              assertThat(refused)
                  .hasMessageContaining("bean 'plain' of " + Insecure.class.getName());
              FailureAnalysis advice = new InsecureGrpcServerAnalyzer().analyze(refused, refused);
              assertThat(advice.getDescription()).contains("without mutual TLS").contains("plain");
              assertThat(advice.getAction())
                  .isEqualTo(
                      "remove bean 'plain' of "
                          + Insecure.class.getName()
                          + ", since the starter makes the one server of the application;"
                          + " in-process servers are fine");
            });
  }

  @Test
  void aFactoryBesideTheMeshsIsRefusedToo() {
    assertThatThrownBy(
            () ->
                start(
                    context -> {
                      context.registerBean(
                          MeshGrpcServerFactory.class, NoInsecureServersTest::unstarted);
                      context.registerBean("plain", Insecure.class, Insecure::new);
                    }))
        .isInstanceOf(InsecureGrpcServerException.class);
  }

  @Test
  void grpcOverServletsIsRefused() {
    assertThatThrownBy(
            () ->
                start(
                    context -> {
                      ClassLoader container = having(SERVLETS);
                      context.setClassLoader(container);
                      context.registerBean("grpcServlet", load(container, SERVLETS));
                    }))
        .isInstanceOf(InsecureGrpcServerException.class)
        .hasMessageContaining("bean 'grpcServlet', which serves gRPC over HTTP")
        .hasMessageContaining("set spring.grpc.server.servlet.enabled to false");
  }

  @Test
  void unshadedNettyOnTheClassPathIsRefused() {
    assertThatThrownBy(() -> start(context -> context.setClassLoader(having(UNSHADED))))
        .isInstanceOf(InsecureGrpcServerException.class)
        .hasMessageContaining("by io.grpc:grpc-netty")
        .hasMessageContaining("exclude io.grpc:grpc-netty from the dependency that brings it");
  }

  @Test
  void theStarterItselfBringsNeither() {
    ClassLoader starter = NoInsecureServers.class.getClassLoader();
    assertThatThrownBy(() -> starter.loadClass(UNSHADED))
        .isInstanceOf(ClassNotFoundException.class);
    assertThatThrownBy(() -> starter.loadClass("jakarta.servlet.Servlet"))
        .isInstanceOf(ClassNotFoundException.class);
  }

  private static void start(Consumer<GenericApplicationContext> application) {
    try (GenericApplicationContext context = new GenericApplicationContext()) {
      application.accept(context);
      context.registerBean(NoInsecureServers.class, () -> new NoInsecureServers(context));
      context.refresh();
    }
  }

  /** It is looked at, and never asked for a server. */
  @SuppressWarnings("NullAway")
  private static MeshGrpcServerFactory unstarted() {
    MeshRuntime none = null;
    return new MeshGrpcServerFactory(none, new InetSocketAddress(0), List.of());
  }

  /** A class path that has one more class, which is empty. */
  private ClassLoader having(String name) {
    int dot = name.lastIndexOf('.');
    try {
      Path source = directory.resolve(name.substring(dot + 1) + ".java");
      Files.writeString(
          source,
          "package %s; public class %s {}"
              .formatted(name.substring(0, dot), name.substring(dot + 1)));
      int failures =
          ToolProvider.getSystemJavaCompiler()
              .run(null, null, null, "-proc:none", "-d", directory.toString(), source.toString());
      assertThat(failures).isZero();
      return new Having(
          name, Files.readAllBytes(directory.resolve(name.replace('.', '/') + ".class")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Class<?> load(ClassLoader loader, String name) {
    try {
      return loader.loadClass(name);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One that has the class itself, where its parent has another, or one that cannot be linked. */
  private static final class Having extends ClassLoader {
    private final String name;
    private final byte[] code;

    Having(String name, byte[] code) {
      super(NoInsecureServersTest.class.getClassLoader());
      this.name = name;
      this.code = code;
    }

    @Override
    protected Class<?> loadClass(String wanted, boolean resolve) throws ClassNotFoundException {
      if (!wanted.equals(name)) {
        return super.loadClass(wanted, resolve);
      }
      synchronized (getClassLoadingLock(wanted)) {
        Class<?> loaded = findLoadedClass(wanted);
        return loaded == null ? defineClass(name, code, 0, code.length) : loaded;
      }
    }
  }

  /** A server without TLS, as an application may bring one along. */
  static final class Insecure implements GrpcServerFactory {
    @Override
    public Server createServer() {
      throw new UnsupportedOperationException("it is refused before");
    }

    @Override
    public void addService(ServerServiceDefinition service) {}
  }
}
