package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.meshward.daemon.Resources;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.testkit.TestMesh;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is somebody's is used under new names only, and is as it was when all is over. */
final class RealPartsTest {
  private static final Duration CLOSE = Duration.ofSeconds(60);

  @TempDir Path folder;
  private final Resources resources = new Resources(CLOSE);
  private final Starter starter = new Starter(resources);

  @AfterEach
  void close() {
    resources.close();
  }

  @Test
  void topicsAreMadeUnderThePrefixAndGoInTheEnd() throws Exception {
    try (Broker broker = Brokers.start();
        Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
      createTopic(admin, "demo-1-of-somebody");

      KafkaPart.real(broker.bootstrapServers(), "demo-1", starter);

      assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS))
          .contains("demo-1.events.falco", "demo-1-of-somebody");
      resources.close();
      assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS))
          .containsExactly("demo-1-of-somebody");
    }
  }

  @Test
  void prefixThatIsInUseIsRefusedAndStays() throws Exception {
    try (Broker broker = Brokers.start();
        Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
      createTopic(admin, "demo-1.something");

      assertThatExceptionOfType(CommandException.class)
          .isThrownBy(() -> KafkaPart.real(broker.bootstrapServers(), "demo-1", starter))
          .withMessageContainingAll(broker.bootstrapServers(), "demo-1.something")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.CONFLICT));

      resources.close();
      assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS))
          .containsExactly("demo-1.something");
    }
  }

  @Test
  void namespaceIsLabelledAndGoesInTheEnd() throws Exception {
    try (EmbeddedKubernetes kubernetes = EmbeddedKubernetes.start();
        KubernetesClient client = client(kubernetes)) {
      KubernetesPart part = KubernetesPart.real(kubeconfig(), "demo-1", "1", starter);
      part.deployShop(Map.of("orders", 1));

      assertThat(client.namespaces().withName("demo-1").get().getMetadata().getLabels())
          .containsEntry("app.kubernetes.io/managed-by", "meshward")
          .containsEntry("meshward.io/demo", "1");
      resources.close();
      assertThat(client.namespaces().withName("demo-1").get()).isNull();
    }
  }

  @Test
  void namespaceThatExistsIsRefusedAndStays() throws Exception {
    try (EmbeddedKubernetes kubernetes = EmbeddedKubernetes.start();
        KubernetesClient client = client(kubernetes)) {
      client
          .resource(
              new NamespaceBuilder().withNewMetadata().withName("demo-1").endMetadata().build())
          .create();

      assertThatExceptionOfType(CommandException.class)
          .isThrownBy(() -> KubernetesPart.real(kubeconfig(), "demo-1", "1", starter))
          .withMessageContaining("demo-1 exists already")
          .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.CONFLICT));

      resources.close();
      assertThat(client.namespaces().withName("demo-1").get()).isNotNull();
    }
  }

  @Test
  void entriesAreToldApartByHintAndLiveForAMinute() throws Exception {
    WorkloadApiPart.Real real =
        WorkloadApiPart.real("unix:/run/agent.sock", "example.org", "demo-1");

    assertThat(real.entries(List.of("payment", "orders")))
        .hasSize(2)
        .first()
        .asString()
        .contains("-spiffeID spiffe://example.org/ns/demo-1/sa/orders ")
        .contains("-hint demo-1.orders ", "-x509SVIDTTL 60", "-selector unix:uid:");
  }

  @Test
  void entriesAreWaitedForUntilTheyAreServed() throws Exception {
    try (TestMesh mesh = TestMesh.start("example.org")) {
      String address = mesh.addressFor("/ns/demo-1/sa/orders");

      WorkloadApiPart.real(address, "example.org", "demo-1").awaitEntries(List.of("orders"));

      assertThat(address).startsWith("unix:");
    }
  }

  @Test
  void wrongAddressOfBrokersIsAUsageError() {
    assertThatExceptionOfType(CommandException.class)
        .isThrownBy(() -> KafkaPart.real("nowhere", "demo-1", starter))
        .withMessageContainingAll("--bootstrap", "nowhere")
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE));
  }

  @Test
  void unreadableKubeconfigIsAUsageError() {
    Path missing = folder.resolve("missing");

    assertThatExceptionOfType(CommandException.class)
        .isThrownBy(() -> KubernetesPart.real(missing, "demo-1", "1", starter))
        .withMessageContainingAll("--kubeconfig", missing.toString())
        .satisfies(e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE));
  }

  private static void createTopic(Admin admin, String name) throws Exception {
    admin
        .createTopics(List.of(new NewTopic(name, Optional.of(1), Optional.empty())))
        .all()
        .get(30, TimeUnit.SECONDS);
    // Brokers show a moment later what their controller has made.
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!admin.listTopics().names().get(30, TimeUnit.SECONDS).contains(name)) {
      assertThat(System.nanoTime()).as("awaiting %s", name).isLessThan(end);
    }
  }

  private KubernetesClient client(EmbeddedKubernetes kubernetes) throws Exception {
    kubernetes.writeKubeconfig(kubeconfig());
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(Files.readString(kubeconfig())))
        .withHttpClientFactory(new JdkHttpClientFactory())
        .build();
  }

  private Path kubeconfig() {
    return folder.resolve("kubeconfig");
  }
}
