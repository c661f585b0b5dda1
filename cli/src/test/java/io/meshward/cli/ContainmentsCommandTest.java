package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.daemon.ConfigFile;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.responder.Responder;
import io.meshward.responder.ResponderConfig;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people do with a containment, from a plan that waits for them to its release. */
class ContainmentsCommandTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://example.org/ns/shop/sa/orders");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir Path folder;

  @Test
  void aPlanIsShownApprovedAndReleasedByASignedWordOnly() throws Exception {
    try (EmbeddedKafka broker = EmbeddedKafka.start();
        EmbeddedKubernetes kubernetes = EmbeddedKubernetes.builder().seed(1).start()) {
      KafkaConfig kafka = new KafkaConfig(broker.bootstrapServers(), "people", Map.of());
      try (Admin admin = Admin.create(kafka.admin("test"))) {
        new TopicAdmin(admin, "people", Duration.ofSeconds(30)).apply();
      }
      CommandRun keys =
          CommandRun.of("containments", "keygen", "alice", "--directory", folder.toString());
      assertThat(keys.exitCode()).as(keys.err()).isEqualTo(ExitCode.OK);
      String key = folder.resolve("alice.jwk").toString();
      assertThat(run(kafka, "list").out()).contains("There are no containments.");

      try (Responder responder = Responder.start(config(kafka, kubernetes))) {
        await("the responder is ready", responder::isReady);
        detect(kafka);
        await("a plan waits", () -> run(kafka, "list").out().contains("AWAITING_APPROVAL"));
        String id = containments(kafka).path(0).at("/containment/id").textValue();

        CommandRun shown = run(kafka, "show", id);
        assertThat(shown.out())
            .contains("stolen-svid")
            .contains(ORDERS.toString())
            .contains("identity.quarantine")
            .contains("history");
        assertThat(run(kafka, "show", "0-0").exitCode()).isNotEqualTo(ExitCode.OK);
        CommandRun early = run(kafka, "release", id, "--reason", "too early", "--key", key);
        assertThat(early.exitCode()).isEqualTo(ExitCode.NOT_ALLOWED);
        assertThat(early.err()).contains("nothing is done yet that could be released");

        assertThat(run(kafka, "approve", id, "--reason", "seen it", "--key", key).out())
            .startsWith("Counted: the containment is ");
        await("it is contained", () -> run(kafka, "list").out().matches("(?s).*\\bCONTAINED\\b.*"));

        CommandRun unsigned =
            run(kafka, "release", id, "--reason", "trust me", "--unsigned-as", "mallory");
        assertThat(unsigned.exitCode()).isEqualTo(ExitCode.NOT_ALLOWED);
        CommandRun nobody = run(kafka, "release", id, "--reason", "who am I");
        assertThat(nobody.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(nobody.err()).contains("--key FILE");

        CommandRun released =
            run(kafka, "release", id, "--reason", "looked at", "--key", key, "--wait", "120");
        assertThat(released.exitCode()).as(released.out()).isEqualTo(ExitCode.OK);
        assertThat(released.out()).contains("The containment is RECOVERED.");
        assertThat(run(kafka, "list").out()).contains("There are no containments.");
        assertThat(run(kafka, "list", "--all").out()).contains(id).contains("RECOVERED");
        assertThat(run(kafka, "show", id).out()).contains("alice");
      }
    }
  }

  private ResponderConfig config(KafkaConfig kafka, EmbeddedKubernetes kubernetes)
      throws Exception {
    Path kubeconfig = folder.resolve("kubeconfig");
    kubernetes.writeKubeconfig(kubeconfig);
    Path playbooks = Files.createDirectories(folder.resolve("playbooks"));
    Files.copy(Path.of("..", "playbooks", "stolen-svid.yaml"), playbooks.resolve("stolen.yaml"));
    return ConfigFile.parse(
        """
        kafka: {bootstrap-servers: '%s', prefix: %s}
        http: {address: '127.0.0.1:0'}
        cluster: local
        trust-domain: example.org
        kubernetes: {kubeconfig: '%s'}
        playbooks: '%s'
        mode: approve
        approvers: {alice: '%s'}
        """
            .formatted(
                kafka.bootstrapServers(),
                kafka.prefix(),
                kubeconfig,
                playbooks,
                folder.resolve("alice.pub.jwk")),
        "test",
        ResponderConfig.class);
  }

  private static void detect(KafkaConfig kafka) throws Exception {
    Instant now = Instant.now();
    Detection detection =
        new Detection(
            new Detection.Finding(
                "detection-1",
                "Stolen SVID",
                "1",
                "Critical",
                "tls.handshake",
                List.of("stolen_svid"),
                "seen elsewhere",
                "anchor",
                now,
                now,
                false,
                null,
                EvidenceRef.Signature.VALID,
                null),
            Map.of(),
            null,
            List.of(),
            new Target(null, null, null, null, null, null, null, ORDERS),
            null,
            null);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(kafka.producer("test"))) {
      producer
          .send(
              CloudEvents.toRecord(
                  kafka.topic(TopicCatalogue.DETECTIONS),
                  detection.target().key(),
                  new Envelope<>("detection-1", "//test", now, detection)))
          .get();
    }
  }

  private static JsonNode containments(KafkaConfig kafka) {
    return EventCodec.readTree(
        run(kafka, "list", "-o", "json").out().getBytes(StandardCharsets.UTF_8));
  }

  private static CommandRun run(KafkaConfig kafka, String command, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "containments",
                command,
                "--bootstrap-servers",
                kafka.bootstrapServers(),
                "--prefix",
                kafka.prefix()));
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  private static void await(String what, java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("%s within %s", what, PATIENCE).isLessThan(end);
      LockSupport.parkNanos(50_000_000);
    }
  }
}
