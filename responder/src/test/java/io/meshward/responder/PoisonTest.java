package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Control;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that cannot be read, on every topic that the responder reads, and good ones behind. */
class PoisonTest {
  /** Read at the start and followed from then on. */
  private static final List<Topic> FOLLOWED =
      List.of(
          TopicCatalogue.DETECTIONS,
          TopicCatalogue.WORK,
          TopicCatalogue.APPROVALS,
          TopicCatalogue.CONTAINMENTS,
          TopicCatalogue.QUARANTINE,
          TopicCatalogue.ENFORCEMENT,
          TopicCatalogue.CONTROL);

  private static final byte[] POISON = "no event".getBytes(UTF_8);

  @TempDir Path folder;

  @Test
  void whatCannotBeReadIsParkedAndTheRestGoesOn() throws Exception {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 1);
      FakePeer payment = stand.peer("payment");
      write(stand, TopicCatalogue.INVENTORY, 0);
      poison(stand);
      allow(stand, ResponseMode.ENFORCE);
      stand.start(stand.enforcing("approvers: {alice: '" + approver + "'}"));

      stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));

      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      assertThat(known(contained.steps().getFirst().verification()).level())
          .isEqualTo(Level.EFFECT);
      assertThat(payment.holds).hasSize(1);
      poison(stand);
      stand.client.release(
          contained.containment().id(), "looked at", ApprovalSigner.of(key.privateJwk()));
      stand.awaitState(ContainmentState.RECOVERED);
      int expected = 2 * FOLLOWED.stream().mapToInt(Topic::partitions).sum() + 1;
      Stand.eventually(
          "everything that cannot be read is parked",
          () -> parked(stand).size() == expected,
          () -> parked(stand).size() + " of " + expected);
    }
  }

  @Test
  void aLimitThatCannotBeReadIsTheLowestUntilTheNext() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 1);
      stand.shop.deploy("orders", 1);
      write(stand, TopicCatalogue.CONTROL, 0);
      Responder responder = stand.start(stand.enforcing(""));

      stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));
      stand.awaitState(ContainmentState.OBSERVED);
      assertThat(Writes.actions(stand.kubernetes)).isEmpty();

      allow(stand, ResponseMode.ENFORCE);
      Stand.eventually(
          "the limit is read",
          () -> Stand.metrics(responder).contains("meshward_responder_highest_mode 4"));
      stand.detect(Detections.of("svid_request_burst", stand.shop.target("orders")));
      stand.awaitState(ContainmentState.CONTAINED);
    }
  }

  private static void poison(Stand stand) {
    for (Topic topic : FOLLOWED) {
      IntStream.range(0, topic.partitions()).forEach(partition -> write(stand, topic, partition));
    }
  }

  private static void write(Stand stand, Topic topic, int partition) {
    String key = topic.equals(TopicCatalogue.CONTROL) ? Stand.CLUSTER : Stand.CLUSTER + "/poison";
    stand.write(
        new ProducerRecord<>(stand.kafka.topic(topic), partition, key.getBytes(UTF_8), POISON));
  }

  private static void allow(Stand stand, ResponseMode highest) {
    Instant now = Instant.now();
    stand.write(
        TopicCatalogue.CONTROL,
        Stand.CLUSTER,
        new Envelope<>(
            "limit-" + now,
            "//people/test",
            now,
            new Control(new Control.Limit(Stand.CLUSTER, highest, "a test", "test", now))));
  }

  /** Where what was parked came from; whoever reads a record parks it. */
  private static Set<DeadLetter.Origin> parked(Stand stand) {
    return stand.records(TopicCatalogue.DEADLETTER).stream()
        .map(record -> CloudEvents.fromRecord(record, DeadLetter.class).data())
        .filter(letter -> letter.letter().cause().equals("malformed_event"))
        .map(DeadLetter::origin)
        .collect(Collectors.toSet());
  }
}
