package com.example.foreign;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import io.meshward.runtime.SignedEvents;
import io.meshward.runtime.TrustBundle;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TopicCatalogue;
import io.meshward.schemas.TrustDomain;
import io.meshward.spring.InsecureGrpcServerException;
import io.meshward.spring.MeshRuntimeCustomizer;
import io.meshward.testkit.MeshExtension;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
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
  private static final String THIEF = "/ns/shop/sa/thief";
  private static final String WITHDRAWN = "/ns/shop/sa/withdrawn";
  private static final List<String> SETTINGS =
      List.of("--spring.grpc.server.address=127.0.0.1", "--spring.grpc.server.port=0");

  @RegisterExtension static final MeshExtension mesh = MeshExtension.of("shop.test");
  @TempDir static Path directory;
  private static final ExecutorService starter = Executors.newVirtualThreadPerTaskExecutor();
  private static Future<RunningKafka> kafka;
  private static Future<RunningService> service;

  /** Both start while the tests go on that need neither. */
  @BeforeAll
  static void run() {
    kafka = starter.submit(RunningKafka::start);
    service = starter.submit(() -> start(kafka()));
  }

  private static RunningService start(RunningKafka broker) throws IOException {
    Path policy =
        Files.writeString(
            directory.resolve("policy.json"),
            """
            {"name": "greeter", "allow_rules": [{
              "name": "guests",
              "source": {"principals": ["%s", "%s"]},
              "request": {"paths": ["/example.Greeter/Greet"]}}]}
            """
                .formatted(mesh.id(GUEST), mesh.id(THIEF)),
            UTF_8);
    List<String> arguments = new ArrayList<>(SETTINGS);
    arguments.add(apiOf(GREETER));
    arguments.add("--meshward.policy=" + policy);
    arguments.add("--meshward.kafka.properties.bootstrap.servers=" + broker.bootstrapServers());
    return RunningService.start(GreeterApplication.class, directory, arguments);
  }

  private static RunningKafka kafka() {
    return started(kafka);
  }

  private static RunningService service() {
    return started(service);
  }

  private static <T> T started(Future<T> starting) {
    try {
      return starting.get(3, TimeUnit.MINUTES);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("it did not start", e);
    }
  }

  @AfterAll
  static void stop() throws Exception {
    try (starter;
        RunningKafka stopping = kafka()) {
      String printed = service().stop();
      System.out.println(printed);
      assertThat(printed).contains("Started GreeterApplication");
      assertThat(
              printed
                  .lines()
                  .filter(line -> line.contains("WARN") || line.contains("ERROR"))
                  // On a busy machine a broker may be slow, which is no fault of the service.
                  .filter(line -> !line.contains("kafka.clients.NetworkClient")))
          .as("what the service warned of")
          .singleElement()
          .asString()
          .endsWith("a hold is applied");
    }
  }

  @Test
  void runsOnJava21() {
    assumeTrue(
        System.getenv(RunningService.JAVA_21) != null,
        "set " + RunningService.JAVA_21 + " to the home of a Java 21 to run the service on it");

    assertThat(service().beginning()).contains("Starting GreeterApplication using Java 21.");
  }

  @Test
  void servesItsCallersByMutualTlsAndByThePolicy() {
    ManagedChannel channel = channel(GUEST);

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
        ManagedChannelBuilder.forAddress("127.0.0.1", service().port()).usePlaintext().build();
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
  void whatItSeesIsOnKafkaAndSignedByItsSvid() {
    ManagedChannel channel = channel(GUEST);
    assertThat(call(channel, Greeter.GREET)).isEqualTo("hello, " + mesh.id(GUEST));
    assertThatThrownBy(() -> call(channel, Greeter.INSULT))
        .isInstanceOf(StatusRuntimeException.class);

    ConsumerRecord<byte[], byte[]> handshake =
        kafka()
            .await(
                TopicCatalogue.EVENTS_IDENTITY,
                record ->
                    CloudEvents.type(record.headers()) == EventType.TLS_HANDSHAKE
                        && mesh.id(GUEST)
                            .equals(
                                CloudEvents.fromRecord(record, TlsHandshake.class)
                                    .data()
                                    .peer()
                                    .id()));
    assertThat(new String(handshake.key(), UTF_8)).isEqualTo(mesh.id(GUEST).toString());
    assertSigned(handshake);
    assertSigned(decision(Greeter.INSULT, AuthzDecision.Decision.DENY));
    assertThat(
            SignedEvents.verify(decision(Greeter.GREET, AuthzDecision.Decision.ALLOW), bundles()))
        .as("a plain allow is not signed")
        .isInstanceOf(SignedEvents.Verification.Unsigned.class);
  }

  private static ConsumerRecord<byte[], byte[]> decision(
      MethodDescriptor<?, ?> method, AuthzDecision.Decision decided) {
    return kafka()
        .await(
            TopicCatalogue.EVENTS_IDENTITY,
            record -> {
              if (CloudEvents.type(record.headers()) != EventType.AUTHZ_DECISION) {
                return false;
              }
              AuthzDecision decision = CloudEvents.fromRecord(record, AuthzDecision.class).data();
              return mesh.id(GUEST).equals(decision.peer().id())
                  && decision.rpc().method().equals("/" + method.getFullMethodName())
                  && decision.authz().decision() == decided;
            });
  }

  @Test
  void obeysAHoldFromKafkaAndItsRelease() throws Exception {
    ManagedChannel channel = channel(THIEF);
    assertThat(call(channel, Greeter.GREET)).isEqualTo("hello, " + mesh.id(THIEF));
    Quarantine hold =
        new Quarantine(
            new Quarantine.Hold("containment-1", "test", "test", Instant.now(), null, null),
            Subject.of(mesh.id(THIEF)));

    kafka().write(TopicCatalogue.QUARANTINE, hold.key().toString(), EventCodec.encode(hold));

    ConsumerRecord<byte[], byte[]> applied = enforcement(Enforcement.Outcome.APPLIED);
    assertSigned(applied);
    assertThat(
            CloudEvents.fromRecord(applied, Enforcement.class)
                .data()
                .enforcement()
                .connectionsCut())
        .isEqualTo(1);
    assertThatThrownBy(() -> call(channel, Greeter.GREET))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode())
                    .isIn(Status.Code.UNAVAILABLE, Status.Code.PERMISSION_DENIED));

    kafka().write(TopicCatalogue.QUARANTINE, hold.key().toString(), null);

    assertSigned(enforcement(Enforcement.Outcome.RELEASED));
    assertThat(call(channel(THIEF), Greeter.GREET)).isEqualTo("hello, " + mesh.id(THIEF));
  }

  private static ConsumerRecord<byte[], byte[]> enforcement(Enforcement.Outcome outcome) {
    return kafka()
        .await(
            TopicCatalogue.ENFORCEMENT,
            record ->
                CloudEvents.fromRecord(record, Enforcement.class).data().enforcement().outcome()
                    == outcome);
  }

  private static void assertSigned(ConsumerRecord<byte[], byte[]> record) {
    assertThat(SignedEvents.verify(record, bundles()))
        .isInstanceOfSatisfying(
            SignedEvents.Verification.Signed.class,
            signed -> assertThat(signed.reporter()).isEqualTo(mesh.id(GREETER)));
  }

  private static Map<TrustDomain, TrustBundle> bundles() {
    TrustDomain domain = mesh.trustDomain().name();
    return Map.of(domain, new TrustBundle(domain, mesh.trustDomain().x509Authorities()));
  }

  /** To the service that runs, as another workload. */
  private static ManagedChannel channel(String path) {
    MeshRuntime runtime =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(path))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    ManagedChannel channel =
        runtime.channelBuilder("127.0.0.1:" + service().port(), mesh.id(GREETER)).build();
    mesh.closing(channel::shutdownNow);
    return channel;
  }

  private static String apiOf(String path) {
    return "--meshward.workload-api=" + mesh.addressFor(path);
  }

  private static ConfigurableApplicationContext run(List<String> more, Class<?>... sources) {
    SpringApplication application = new SpringApplication(sources);
    application.setWebApplicationType(WebApplicationType.NONE);
    List<String> arguments = new ArrayList<>(SETTINGS);
    arguments.addAll(
        List.of("--meshward.without-events=true", "--meshward.without-quarantine=true"));
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
