package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.WriteLog.Write;
import io.meshward.responder.KillSwitch.Place;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.StepState;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A responder that stands still while another takes its partition over, and then goes on: it can
 * neither commit a transition nor write to the cluster.
 */
class ZombieTest {
  private static final String GROUP = "responder." + Stand.CLUSTER + ".execute";

  @TempDir private Path folder;
  private ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");

  @Test
  void aTransactionThatWasOpenWhenAnotherTookOverIsNeverCommitted() throws Exception {
    try (Stand stand = stand()) {
      Stall stall = new Stall(new Place("execute: committing", "executing 1 done"));
      stand.start(config(stand), stall);
      Target target = stand.shop.target("frontend");
      stand.detect(Detections.of("svid_request_burst", target));
      Stand.eventually("it stalls before it commits", stall::reached);
      Containment before = stand.of(target).getFirst();
      assertThat(before.steps().get(1).state()).isEqualTo(StepState.INTENDED);

      takeOver(stand, before.containment().id());
      Containment contained = stand.awaitState(ContainmentState.CONTAINED);
      List<?> history = stand.client.history(contained.containment().id());
      long committed = commits(stall);
      stall.resume();
      Stand.eventually(
          "the zombie is fenced",
          () ->
              Stand.threads("responder-owner-").stream()
                      .filter(
                          name ->
                              name.equals(
                                  "responder-owner-" + partition(before.containment().id())))
                      .count()
                  == 1);

      assertThat(commits(stall)).isEqualTo(committed);
      assertThat(stand.client.history(contained.containment().id())).isEqualTo(history);
      Histories.assertWhole(stand.client.history(contained.containment().id()));
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(1);
      assertThat(stand.client.list()).hasSize(1);
    }
  }

  @Test
  void aWriteThatComesAfterTheReleaseIsRefusedByItsResourceVersion() throws Exception {
    try (Stand stand = stand()) {
      Stall stall = new Stall(new Place("operating: Act 1", null));
      stand.start(config(stand), stall);
      Target target = stand.shop.target("frontend");
      stand.detect(Detections.of("svid_request_burst", target));
      Stand.eventually("it stalls before it scales", stall::reached);
      String id = stand.of(target).getFirst().containment().id();

      takeOver(stand, id);
      stand.awaitState(ContainmentState.CONTAINED);
      stand.client.release(id, "looked at", ApprovalSigner.of(key.privateJwk()));
      stand.awaitState(ContainmentState.RECOVERED);
      int before = refused(stand).size();
      resume(stall, "operated: Act 1");

      assertThat(refused(stand)).hasSize(before + 1);
      assertThat(refused(stand).getLast().code()).isEqualTo(409);
      assertThat(stand.shop.replicas("frontend")).isEqualTo(2);
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(2);
      assertThat(stand.of(target).getFirst().containment().state())
          .isEqualTo(ContainmentState.RECOVERED);
    }
  }

  @Test
  void anUndoingThatComesAfterTheNextContainmentChangesNothing() throws Exception {
    try (Stand stand = stand()) {
      Stall stall = new Stall(new Place("operating: Undo 1", null));
      stand.start(config(stand), stall);
      Target target = stand.shop.target("frontend");
      stand.detect(Detections.of("svid_request_burst", target));
      String id = stand.awaitState(ContainmentState.CONTAINED).containment().id();
      ApprovalSigner alice = ApprovalSigner.of(key.privateJwk());
      stand.client.release(id, "looked at", alice);
      Stand.eventually("it stalls before it restores", stall::reached);

      takeOver(stand, id);
      stand.awaitState(ContainmentState.RECOVERED);
      stand.shop.awaitReady(Shop.NAMESPACE, "frontend", 2);
      stand.detect(Detections.of("svid_request_burst", stand.shop.target("frontend")));
      stand.awaitState(ContainmentState.CONTAINED);
      resume(stall, "operated: Undo 1");

      assertThat(stand.shop.replicas("frontend")).isZero();
      assertThat(Writes.to(stand.kubernetes, "/scale")).hasSize(3);
    }
  }

  @Test
  void anIsolationThatComesAfterItsRecoveryLeavesNothingBehind() throws Exception {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(
          Files.readString(Path.of("..", "playbooks", "illegal-socket-access.yaml"))
              .replace("for: 10m", "for: 300ms"));
      stand.shop.deploy("auth-proxy", 2);
      Stall stall = new Stall(new Place("operating: Act 0", null));
      stand.start(config(stand), stall);
      Target target = stand.shop.target("auth-proxy");
      stand.detect(Detections.of("illegal_socket_access", target));
      Stand.eventually("it stalls before it isolates", stall::reached);

      takeOver(stand, stand.of(target).getFirst().containment().id());
      stand.awaitState(ContainmentState.RECOVERED);
      resume(stall, "operated: Act 0");

      assertThat(stand.shop.policies()).isEmpty();
      assertThat(stand.shop.pods("auth-proxy")).hasSize(2);
    }
  }

  private Stand stand() throws Exception {
    Stand stand = new Stand(folder);
    stand.playbook(Files.readString(Path.of("..", "playbooks", "svid-request-burst.yaml")));
    stand.shop.deploy("frontend", 2);
    stand.peer("payment");
    return stand;
  }

  private ResponderConfig config(Stand stand) throws Exception {
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    return stand.enforcing("approvers: {alice: '" + approver + "'}");
  }

  /** Lets the zombie go on, and waits until it has done what it was about to do. */
  private static void resume(Stall stall, String place) {
    long before = passes(stall, place);
    stall.resume();
    Stand.eventually("the zombie has tried", () -> passes(stall, place) > before);
  }

  /** How often the transition was committed: the process may have had the partition in between. */
  private static long commits(Stall stall) {
    return stall.later().stream()
        .filter(passed -> passed.is(new Place("execute: committed", "executing 1 done")))
        .count();
  }

  /** How often the process came by: it may have had the partition in between. */
  private static long passes(Stall stall, String place) {
    return stall.later().stream().filter(passed -> passed.name().equals(place)).count();
  }

  private static int partition(String containment) {
    return ContainmentId.parse(containment).partition(TopicCatalogue.WORK.partitions());
  }

  private static List<Write> refused(Stand stand) {
    return stand
        .kubernetes
        .writes()
        .matching(write -> write.call().path().endsWith("/scale") && !write.accepted());
  }

  /** Starts responders until the first one has lost the partition of a containment. */
  private void takeOver(Stand stand, String containment) throws Exception {
    TopicPartition work =
        new TopicPartition(stand.kafka.topic(TopicCatalogue.WORK), partition(containment));
    try (Admin admin = Admin.create(stand.kafka.admin("test"))) {
      String first = owner(group(admin, stand), work);
      String now = first;
      for (int members = 2; now.equals(first); members++) {
        int expected = members;
        stand.start(config(stand));
        Stand.eventually(
            "the partitions are shared out",
            () -> {
              ConsumerGroupDescription group = group(admin, stand);
              return group.groupState() == GroupState.STABLE && group.members().size() == expected;
            });
        now = owner(group(admin, stand), work);
      }
    }
  }

  private static ConsumerGroupDescription group(Admin admin, Stand stand) {
    String group = stand.kafka.id(GROUP);
    try {
      return Stand.known(admin.describeConsumerGroups(List.of(group)).describedGroups().get(group))
          .get();
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The member that has a partition. */
  private static String owner(ConsumerGroupDescription group, TopicPartition partition) {
    return group.members().stream()
        .filter(member -> member.assignment().topicPartitions().contains(partition))
        .map(MemberDescription::consumerId)
        .findFirst()
        .orElse("");
  }
}
