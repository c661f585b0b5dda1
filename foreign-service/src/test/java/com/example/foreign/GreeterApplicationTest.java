package com.example.foreign;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.StringValue;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.runtime.RuntimeState;
import io.meshward.spring.InsecureGrpcServerException;
import io.meshward.spring.MeshRuntimeCustomizer;
import io.meshward.testkit.MeshExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.grpc.server.ShadedNettyGrpcServerFactory;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycle;

class GreeterApplicationTest {
  private static final String GREETER = "/ns/shop/sa/greeter";
  private static final String GUEST = "/ns/shop/sa/guest";
  private static final String WITHDRAWN = "/ns/shop/sa/withdrawn";
  private static final List<String> SETTINGS =
      List.of(
          "--meshward.without-events=true",
          "--meshward.without-quarantine=true",
          "--spring.grpc.server.address=127.0.0.1",
          "--spring.grpc.server.port=0");

  @RegisterExtension static final MeshExtension mesh = MeshExtension.of("shop.test");
  @TempDir static Path directory;
  private static RunningService service;

  @BeforeAll
  static void run() throws Exception {
    Path policy =
        Files.writeString(
            directory.resolve("policy.json"),
            """
            {"name": "greeter", "allow_rules": [{
              "name": "guests",
              "source": {"principals": ["%s"]},
              "request": {"paths": ["/example.Greeter/Greet"]}}]}
            """
                .formatted(mesh.id(GUEST)),
            UTF_8);
    List<String> arguments = new ArrayList<>(SETTINGS);
    arguments.add("--meshward.workload-api=" + mesh.addressFor(GREETER));
    arguments.add("--meshward.policy=" + policy);
    service = RunningService.start(GreeterApplication.class, arguments);
  }

  @AfterAll
  static void stop() throws Exception {
    service.close();
  }

  @Test
  void servesItsCallersByMutualTlsAndByThePolicy() throws Exception {
    MeshRuntime guest =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(GUEST))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    ManagedChannel channel =
        guest.channelBuilder("127.0.0.1:" + service.port(), mesh.id(GREETER)).build();
    mesh.closing(channel::shutdownNow);

    assertThat(call(channel, Greeter.GREET)).isEqualTo("hello, " + mesh.id(GUEST));
    assertThatThrownBy(() -> call(channel, Greeter.INSULT))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED));
  }

  @Test
  void refusesAClientWithoutTls() {
    ManagedChannel channel =
        ManagedChannelBuilder.forAddress("127.0.0.1", service.port()).usePlaintext().build();
    mesh.closing(channel::shutdownNow);

    assertThatThrownBy(() -> call(channel, Greeter.GREET))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("UNAVAILABLE");
  }

  @Test
  void nothingElseServes() {
    ConfigurableApplicationContext application =
        run(List.of(apiOf(GREETER)), GreeterApplication.class);

    assertThat(application.getBeansOfType(GrpcServerFactory.class)).hasSize(1);
    assertThat(application.getBeansOfType(GrpcServerLifecycle.class)).hasSize(1);
  }

  @Test
  void isOutOfServiceWithoutAnIdentityAndSaysSo() throws Exception {
    ConfigurableApplicationContext application =
        run(List.of(apiOf(WITHDRAWN)), GreeterApplication.class, Watchful.class);
    HealthIndicator health = application.getBean("meshHealthIndicator", HealthIndicator.class);
    assertThat(health.health().getStatus()).isEqualTo(Health.up().build().getStatus());

    mesh.workload(WITHDRAWN).redact();
    assertThat(application.getBean(Watchful.class).withdrawn.await(20, TimeUnit.SECONDS)).isTrue();

    assertThat(health.health().getStatus()).isEqualTo(Health.outOfService().build().getStatus());
    assertThat(health.health().getDetails().get("reason")).asString().contains("withdrawn");
  }

  @Test
  void doesNotStartWhereAnotherFactoryWouldServe() {
    assertThatThrownBy(() -> run(List.of(apiOf(GREETER)), GreeterApplication.class, Insecure.class))
        .isInstanceOf(InsecureGrpcServerException.class)
        .hasMessageContaining("bean 'insecure'")
        .hasMessageContaining("ShadedNettyGrpcServerFactory");
  }

  @Test
  void doesNotStartWithoutAnIdentityAndSaysWhatToCheck() {
    assertThatThrownBy(
            () ->
                run(
                    List.of("--meshward.workload-api=unix:/nowhere/agent.sock"),
                    GreeterApplication.class,
                    Impatient.class))
        .hasRootCauseInstanceOf(MeshRuntimeException.class)
        .hasStackTraceContaining("/nowhere/agent.sock");
  }

  @Test
  void usesTheKafkaClientsThatSpringBootManages() throws Exception {
    MeshRuntime runtime =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(GREETER))
                .kafka(Map.of("bootstrap.servers", "127.0.0.1:1"), "meshward")
                .quarantineDeadline(Duration.ofMillis(100))
                .start());

    assertThat(runtime.status().open()).as("closed until the quarantine is read").isFalse();
    assertThat(runtime.svid().id()).isEqualTo(mesh.id(GREETER));
  }

  private static String apiOf(String path) {
    return "--meshward.workload-api=" + mesh.addressFor(path);
  }

  private static ConfigurableApplicationContext run(List<String> more, Class<?>... sources) {
    SpringApplication application = new SpringApplication(sources);
    application.setWebApplicationType(WebApplicationType.NONE);
    List<String> arguments = new ArrayList<>(SETTINGS);
    arguments.addAll(more);
    return mesh.closing(application.run(arguments.toArray(String[]::new)));
  }

  private static String call(
      ManagedChannel channel, MethodDescriptor<StringValue, StringValue> method) {
    return ClientCalls.blockingUnaryCall(
            channel,
            method,
            CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
            StringValue.of("hello"))
        .getValue();
  }

  /** No configuration to Spring, which would find one by itself in every test. */
  static class Insecure {
    @Bean
    GrpcServerFactory insecure() {
      return new ShadedNettyGrpcServerFactory("127.0.0.1:0", List.of(), null, null, null);
    }
  }

  static class Watchful {
    private final CountDownLatch withdrawn = new CountDownLatch(1);

    @Bean
    MeshRuntimeCustomizer watchful() {
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
      return runtime -> runtime.startDeadline(Duration.ofMillis(300));
    }
  }
}
