package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.DeadLetter;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoisonTest {
  @TempDir Path folder;

  @Test
  void whatCannotBeReadIsParkedAndTheRestGoesOn() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
      stand.shop.deploy("frontend", 1);
      stand.start(stand.config("mode: observe"));
      List<Topic> topics =
          List.of(TopicCatalogue.DETECTIONS, TopicCatalogue.WORK, TopicCatalogue.APPROVALS);
      for (Topic topic : topics) {
        for (int partition = 0; partition < topic.partitions(); partition++) {
          stand.write(
              new ProducerRecord<>(
                  stand.kafka.topic(topic),
                  partition,
                  "poison".getBytes(UTF_8),
                  "no event".getBytes(UTF_8)));
        }
      }

      stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));

      stand.awaitState(ContainmentState.OBSERVED);
      int expected = topics.stream().mapToInt(Topic::partitions).sum();
      Stand.eventually(
          "everything that cannot be read is parked",
          () -> stand.records(TopicCatalogue.DEADLETTER).size() == expected);
      assertThat(stand.records(TopicCatalogue.DEADLETTER))
          .allSatisfy(
              record ->
                  assertThat(CloudEvents.fromRecord(record, DeadLetter.class).data().toString())
                      .contains("malformed_event"));
    }
  }
}
