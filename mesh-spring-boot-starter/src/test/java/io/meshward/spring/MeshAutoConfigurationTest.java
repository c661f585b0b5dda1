package io.meshward.spring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.runtime.PeerIdentity;
import io.meshward.runtime.RuntimeState;
import io.meshward.testkit.MeshExtension;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycle;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycleEvent;
import org.springframework.grpc.server.lifecycle.GrpcServerShutdownEvent;
import org.springframework.grpc.server.lifecycle.GrpcServerStartedEvent;
import org.springframework.grpc.server.lifecycle.GrpcServerTerminatedEvent;

/** An application with the starter, from its properties to its end. */
class MeshAutoConfigurationTest {
  private static final String ORDERS = "/ns/shop/sa/orders";
  private static final String FRONTEND = "/ns/shop/sa/frontend";

  @RegisterExtension static final MeshExtension mesh = MeshExtension.of("shop.test");

  @TempDir private Path directory;
  private @Nullable Path policy;

  @BeforeEach
  void writePolicy() throws Exception {
    policy =
        Files.writeString(
            directory.resolve("policy.json"),
            """
            {"name": "orders", "allow_rules": [{
              "name": "frontend",
              "source": {"principals": ["%s"]},
              "request": {"paths": ["/test.Echo/*"]}}]}
            """
                .formatted(mesh.id(FRONTEND)),
            UTF_8);
  }

  @Test
  void itsServicesAreServedInTheMeshWithWhatCustomizersAdd() {
    ConfigurableApplicationContext application =
        run(List.of(Application.class, Serving.class, Watched.class));

    assertThat(Echo.call(channel(application), "hello")).isEqualTo("hello, " + mesh.id(FRONTEND));
    assertThat(application.getBean(Watched.class).callers)
        .containsExactly(mesh.id(FRONTEND).toString());
    assertThat(application.getBeansOfType(GrpcServerFactory.class)).hasSize(1);
  }

  @Test
  void aCallThatIsBeingServedEndsWellBeforeTheRuntimeDoes() throws Exception {
    ConfigurableApplicationContext application =
        run(List.of(Application.class, Serving.class, Lifecycle.class));
    Echo echo = application.getBean(Echo.class);
    Lifecycle lifecycle = application.getBean(Lifecycle.class);
    MeshRuntime runtime = application.getBean(MeshRuntime.class);
    ManagedChannel channel = channel(application);
    FutureTask<String> answer = begun(() -> Echo.call(channel, Echo.WAIT));
    Echo.await(echo.waiting);

    FutureTask<Boolean> closed =
        begun(
            () -> {
              application.close();
              return true;
            });
    Echo.await(lifecycle.shutdown);
    assertThat(runtime.status().open()).as("while the server shuts down").isTrue();
    echo.released.countDown();

    assertThat(answer.get(1, TimeUnit.MINUTES)).isEqualTo("wait, " + mesh.id(FRONTEND));
    assertThat(closed.get(1, TimeUnit.MINUTES)).isTrue();
    assertThat(lifecycle.events)
        .containsExactly(
            GrpcServerStartedEvent.class,
            GrpcServerShutdownEvent.class,
            GrpcServerTerminatedEvent.class);
    assertThatThrownBy(() -> Echo.call(channel, "hello"))
        .isInstanceOf(StatusRuntimeException.class);
  }

  @Test
  void itsEndLeavesNoThreadOfTheMesh() {
    await("the end of other threads", () -> meshThreads().isEmpty());
    ConfigurableApplicationContext application = run(List.of(Application.class, Serving.class));
    assertThat(meshThreads()).isNotEmpty();

    application.close();

    await("the end of its threads", () -> meshThreads().isEmpty());
    await("the end of its streams", () -> mesh.workload(ORDERS).openStreams() == 0);
  }

  @Test
  void noServerStartsWithoutAnIdentity() {
    Lifecycle.LAST.clear();

    Throwable failure =
        catchThrowable(
            () ->
                run(
                    List.of(Application.class, Serving.class, Impatient.class, Lifecycle.class),
                    "--meshward.workload-api=unix:/nowhere/agent.sock"));

    MeshRuntimeException cause = cause(failure, MeshRuntimeException.class);
    FailureAnalysis advice = requireNonNull(new MeshFailureAnalyzer().analyze(failure));
    assertThat(advice.getDescription())
        .startsWith("The application is not part of the mesh: ")
        .contains(requireNonNull(cause.getMessage()))
        .contains("/nowhere/agent.sock");
    assertThat(advice.getAction()).contains("meshward.workload-api");
    assertThat(Lifecycle.LAST).isEmpty();
  }

  @Test
  void whatIsNotConfiguredIsNamedByItsProperties() {
    Throwable failure =
        catchThrowable(
            () ->
                run(List.of(Application.class, Serving.class), "--meshward.without-events=false"));

    assertThat(cause(failure, MeshRuntimeException.class))
        .hasMessageContaining("nothing says where events go")
        .hasMessageContaining("meshward.kafka.properties.bootstrap.servers")
        .hasMessageContaining("meshward.without-events");
  }

  @Test
  void aPropertyThatDoesNotExistIsRefusedByItsName() {
    assertThatThrownBy(() -> run(List.of(Application.class), "--meshward.polcy=policy.json"))
        .hasStackTraceContaining("meshward.polcy");
  }

  @Test
  void aUnixSocketForTheServerIsRefusedByTheNameOfItsProperty() {
    Throwable failure =
        catchThrowable(
            () ->
                run(
                    List.of(Application.class, Serving.class),
                    "--spring.grpc.server.netty.domain-socket-path=/run/orders.sock"));

    InvalidConfigurationPropertyValueException refused =
        cause(failure, InvalidConfigurationPropertyValueException.class);
    assertThat(refused.getName()).isEqualTo("spring.grpc.server.netty.domain-socket-path");
    assertThat(refused.getValue()).isEqualTo("/run/orders.sock");
    assertThat(refused.getReason()).contains("spring.grpc.server.address and port");
  }

  @Test
  void anotherServerFactoryIsRefusedBeforeAnythingServes() {
    Lifecycle.LAST.clear();

    assertThatThrownBy(
            () -> run(List.of(Application.class, Serving.class, Insecure.class, Lifecycle.class)))
        .isInstanceOf(InsecureGrpcServerException.class)
        .hasMessageContaining("remove bean 'insecure'");

    assertThat(Lifecycle.LAST).isEmpty();
    await("the end of its threads", () -> meshThreads().isEmpty());
  }

  @Test
  void withoutServicesThereIsARuntimeForChannelsAndNoServer() {
    ConfigurableApplicationContext application = run(List.of(Application.class));

    assertThat(application.getBean(MeshRuntime.class).svid().id()).isEqualTo(mesh.id(ORDERS));
    assertThat(application.getBeansOfType(GrpcServerFactory.class)).isEmpty();
    assertThat(application.getBeansOfType(GrpcServerLifecycle.class)).isEmpty();
  }

  @Test
  void whereGrpcServersAreSwitchedOffThereIsNothing() {
    ConfigurableApplicationContext application =
        run(List.of(Application.class, Serving.class), "--spring.grpc.server.enabled=false");

    assertThat(application.getBeansOfType(MeshRuntime.class)).isEmpty();
    assertThat(application.getBeansOfType(GrpcServerLifecycle.class)).isEmpty();
    assertThat(application.getBeansOfType(HealthIndicator.class))
        .doesNotContainKey("meshHealthIndicator");
  }

  @Test
  void aRuntimeOfTheApplicationsOwnIsUsed() {
    ConfigurableApplicationContext application =
        run(List.of(Application.class, Serving.class, OwnRuntime.class));

    assertThat(application.getBeansOfType(MeshRuntime.class)).containsOnlyKeys("own");
    assertThat(Echo.call(channel(application), "hello")).startsWith("hello");
  }

  @Test
  void itsHealthIsThatOfItsPlaceInTheMesh() throws Exception {
    ConfigurableApplicationContext application = run(List.of(Application.class, States.class));
    States states = application.getBean(States.class);
    HealthIndicator health = application.getBean("meshHealthIndicator", HealthIndicator.class);
    Health up = requireNonNull(health.health());
    assertThat(up.getStatus()).isEqualTo(Status.UP);
    assertThat(up.getDetails())
        .containsEntry("identity", "Ready")
        .containsEntry("holds", 0)
        .containsKeys("policy", "connections", "dropped")
        .doesNotContainKeys("reason", "policyProblem");

    Files.writeString(requireNonNull(policy), "{\"name\": ", UTF_8);
    await(
        "a problem of the policy",
        () -> requireNonNull(health.health()).getDetails().containsKey("policyProblem"));
    assertThat(requireNonNull(health.health()).getStatus()).isEqualTo(Status.UP);

    mesh.workload(ORDERS).redact();
    try {
      Echo.await(states.withdrawn);
      Health out = requireNonNull(health.health());
      assertThat(out.getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
      assertThat(out.getDetails().get("reason")).asString().contains("withdrawn");
    } finally {
      mesh.workload(ORDERS).resume();
    }
    await("a new SVID", () -> requireNonNull(health.health()).getStatus().equals(Status.UP));
  }

  @Test
  void theHealthIndicatorCanBeSwitchedOff() {
    assertThat(
            run(List.of(Application.class), "--management.health.mesh.enabled=false")
                .getBeansOfType(HealthIndicator.class))
        .doesNotContainKey("meshHealthIndicator");
  }

  @Test
  void aServiceWithTwoImplementationsIsRefused() {
    MeshGrpcServerFactory factory =
        new MeshGrpcServerFactory(
            run(List.of(Application.class)).getBean(MeshRuntime.class),
            new InetSocketAddress(0),
            List.of());
    factory.addService(new Echo().bindService());

    assertThatThrownBy(() -> factory.addService(new Echo().bindService()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("test.Echo has two implementations");
  }

  private ConfigurableApplicationContext run(List<Class<?>> sources, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--meshward.policy=" + policy,
                "--spring.grpc.server.address=127.0.0.1",
                "--spring.grpc.server.port=0"));
    addUnlessGiven(arguments, "--meshward.workload-api=" + mesh.addressFor(ORDERS), more);
    addUnlessGiven(arguments, "--meshward.without-events=true", more);
    addUnlessGiven(arguments, "--meshward.without-quarantine=true", more);
    arguments.addAll(List.of(more));
    return mesh.closing(
        new SpringApplicationBuilder(sources.toArray(Class<?>[]::new))
            .web(WebApplicationType.NONE)
            .bannerMode(Banner.Mode.OFF)
            .registerShutdownHook(false)
            .run(arguments.toArray(String[]::new)));
  }

  /** Spring would join two of one name. */
  private static void addUnlessGiven(List<String> arguments, String one, String... more) {
    String name = one.substring(0, one.indexOf('=') + 1);
    if (List.of(more).stream().noneMatch(each -> each.startsWith(name))) {
      arguments.add(one);
    }
  }

  private static ManagedChannel channel(ConfigurableApplicationContext application) {
    MeshRuntime frontend =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(FRONTEND))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    ManagedChannel channel =
        frontend
            .channelBuilder(
                "127.0.0.1:" + application.getBean(GrpcServerLifecycle.class).getPort(),
                mesh.id(ORDERS))
            .build();
    mesh.closing(channel::shutdownNow);
    return channel;
  }

  private static <T extends Throwable> T cause(Throwable failure, Class<T> kind) {
    for (Throwable each = failure; each != null; each = each.getCause()) {
      if (kind.isInstance(each)) {
        return kind.cast(each);
      }
    }
    throw new AssertionError("no " + kind + " among the causes", failure);
  }

  private static <T> FutureTask<T> begun(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread.ofVirtual().start(task);
    return task;
  }

  private static List<String> meshThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("meshward"))
        .toList();
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("awaiting " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @EnableAutoConfiguration
  static class Application {}

  static class Serving {
    @Bean
    Echo echo() {
      return new Echo();
    }
  }

  /** Hears of the server's life. */
  static class Lifecycle {
    /** Of all applications, for those that do not start. */
    static final Queue<Class<?>> LAST = new ConcurrentLinkedQueue<>();

    final Queue<Class<?>> events = new ConcurrentLinkedQueue<>();
    final CountDownLatch shutdown = new CountDownLatch(1);

    @Bean
    ApplicationListener<GrpcServerLifecycleEvent> lifecycleListener() {
      return event -> {
        events.add(event.getClass());
        LAST.add(event.getClass());
        if (event instanceof GrpcServerShutdownEvent) {
          shutdown.countDown();
        }
      };
    }
  }

  static class Watched {
    final Queue<String> callers = new ConcurrentLinkedQueue<>();

    @Bean
    MeshServerCustomizer watched() {
      return server ->
          server.intercept(
              new ServerInterceptor() {
                @Override
                public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                  callers.add(PeerIdentity.current().id().toString());
                  return next.startCall(call, headers);
                }
              });
    }
  }

  static class States {
    final CountDownLatch withdrawn = new CountDownLatch(1);

    @Bean
    MeshRuntimeCustomizer states() {
      return runtime ->
          runtime.listener(
              state -> {
                if (state instanceof RuntimeState.Withdrawn) {
                  withdrawn.countDown();
                }
              });
    }
  }

  static class Impatient {
    @Bean
    MeshRuntimeCustomizer impatient() {
      return runtime -> runtime.startDeadline(Duration.ofMillis(100));
    }
  }

  static class OwnRuntime {
    @Bean(destroyMethod = "close")
    MeshRuntime own(MeshProperties properties) {
      return MeshRuntime.builder()
          .workloadApi(mesh.addressFor(ORDERS))
          .policy(requireNonNull(properties.policy()))
          .withoutEvents()
          .withoutQuarantine()
          .start();
    }
  }

  static class Insecure {
    @Bean
    GrpcServerFactory insecure() {
      return new NoInsecureServersTest.Insecure();
    }
  }
}
