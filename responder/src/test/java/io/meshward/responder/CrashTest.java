package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.responder.KillSwitch.Passed;
import io.meshward.responder.KillSwitch.Place;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Response;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Target;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The responder is killed at every transaction and around every operation of every story: each time
 * a new one finishes the same containment, and does nothing twice.
 *
 * <p>A first run, which is not killed, tells the places. At "committing" everything is sent and the
 * transaction is open; at "committed" nothing has been done about it yet; at "operating" the intent
 * is stored and nothing is done; at "operated" it is done and nobody knows.
 */
class CrashTest {
  private static final Path SHIPPED = Path.of("..", "playbooks");

  @TempDir private Path folder;

  /** A story about one workload after the other. */
  private interface Story {
    /** Sets the scene, and says whom the detection will be about. */
    Target begin(String name);

    Detection detection(Target target);

    /** What a person has to do now that it is contained. */
    void release(String containment);

    /** The writes that it takes, in order; those of one list are sent at once. */
    List<List<String>> writes(String name, Target target, String containment);

    /** How many holds it places. */
    int holds();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void quarantineAndScaleToZeroHappenOnceWhereverTheResponderIsKilled() throws IOException {
    ApprovalSigner.KeyPair key = ApprovalSigner.generate("alice");
    Path approver = Files.writeString(folder.resolve("alice.pub.jwk"), key.publicJwk());
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("svid-request-burst.yaml")));
      stand.peer("payment");
      Story story =
          new Story() {
            @Override
            public Target begin(String name) {
              stand.shop.deploy(name, 1);
              return stand.shop.target(name);
            }

            @Override
            public Detection detection(Target target) {
              return Detections.of("svid_request_burst", target);
            }

            @Override
            public void release(String containment) {
              stand.client.release(containment, "looked at", ApprovalSigner.of(key.privateJwk()));
            }

            @Override
            public List<List<String>> writes(String name, Target target, String containment) {
              String scale = "PATCH /apis/apps/v1/namespaces/shop/deployments/" + name + "/scale";
              return List.of(List.of(scale), List.of(scale));
            }

            @Override
            public int holds() {
              return 1;
            }
          };
      killEverywhere(stand, story, "approvers: {alice: '" + approver + "'}", "frontend");
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void aPodIsIsolatedAndRecoveredOnceWhereverTheResponderIsKilled() throws IOException {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(
          Files.readString(SHIPPED.resolve("illegal-socket-access.yaml"))
              .replace("for: 10m", "for: 300ms"));
      Story story =
          new Story() {
            @Override
            public Target begin(String name) {
              stand.shop.deploy(name, 1);
              return stand.shop.target(name);
            }

            @Override
            public Detection detection(Target target) {
              return Detections.of("illegal_socket_access", target);
            }

            @Override
            public void release(String containment) {
              // It recovers by itself.
            }

            @Override
            public List<List<String>> writes(String name, Target target, String containment) {
              String policy =
                  "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/meshward-"
                      + containment;
              String pod = "/api/v1/namespaces/shop/pods/" + target.pod();
              return List.of(
                  List.of("PATCH " + policy, "PATCH " + pod),
                  List.of("DELETE " + pod),
                  List.of("DELETE " + policy));
            }

            @Override
            public int holds() {
              return 0;
            }
          };
      killEverywhere(stand, story, "", "auth-proxy");
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void aStolenSvidIsRevokedOnceWhereverTheResponderIsKilled() throws IOException {
    try (Stand stand = new Stand(folder)) {
      stand.playbook(Files.readString(SHIPPED.resolve("stolen-svid.yaml")));
      stand.peer("payment");
      Story story =
          new Story() {
            @Override
            public Target begin(String name) {
              stand.shop.deploy(name, 1);
              return stand.shop.target(name);
            }

            @Override
            public Detection detection(Target target) {
              Instant now = Instant.now();
              return Detections.of(
                  "stolen_svid",
                  target,
                  now,
                  new Detection.SvidRef("1", "CN=ca", "0".repeat(64), now, now.plusMillis(500)));
            }

            @Override
            public void release(String containment) {
              // It recovers by itself.
            }

            @Override
            public List<List<String>> writes(String name, Target target, String containment) {
              return List.of();
            }

            @Override
            public int holds() {
              return 1;
            }
          };
      killEverywhere(stand, story, "", "orders");
    }
  }

  private static void killEverywhere(Stand stand, Story story, String more, String name) {
    ResponderConfig config =
        stand.enforcing("budget: {containments: 1000, window: 10m}\ngive-up-after: 1m\n" + more);
    KillSwitch kill = new KillSwitch();
    Responder responder = stand.start(config, kill);
    Target first = story.begin(name + "-00");
    kill.watch();
    stand.detect(story.detection(first));
    finish(stand, story, name + "-00", first);
    Set<Place> places = places(kill.passed());
    List<String> transitions = transitions(stand, first);

    List<Passed> killedAt = new ArrayList<>();
    Deque<Place> left = new ArrayDeque<>(places);
    while (!left.isEmpty()) {
      Place place = left.remove();
      String workload = "%s-%02d".formatted(name, killedAt.size() + 1);
      Target target = story.begin(workload);
      KillSwitch current = kill;
      current.arm(place);
      stand.detect(story.detection(target));
      releaseUnlessKilled(stand, story, target, current);
      Stand.eventually(
          "the responder is killed at " + place,
          current::killed,
          () -> current.passed() + " " + stand.of(target));
      responder.close();
      killedAt.add(current.passed().getLast());
      kill = new KillSwitch();
      responder = stand.start(config, kill);
      finish(stand, story, workload, target);
      if (left.isEmpty() && killedAt.size() < 2 * places.size()) {
        left.addAll(missed(killedAt, transitions));
      }
    }
    assertThat(missed(killedAt, transitions)).as("never killed at").isEmpty();
  }

  /**
   * Where it was not killed yet. Which transitions share a transaction differs from run to run: one
   * that was last in its transaction may not be the next time.
   */
  private static Set<Place> missed(List<Passed> killedAt, List<String> transitions) {
    Set<Place> missed = new LinkedHashSet<>();
    for (String phase : List.of("execute: committing", "execute: committed")) {
      for (String transition : transitions) {
        Place place = new Place(phase, transition);
        if (killedAt.stream().noneMatch(passed -> passed.is(place))) {
          missed.add(place);
        }
      }
    }
    return missed;
  }

  /** One place for each transaction, by its last transition, and for each operation. */
  private static Set<Place> places(List<Passed> passed) {
    Set<Place> places = new LinkedHashSet<>();
    for (Passed each : passed) {
      // What is read before a step is intended may be known already, and changes nothing.
      boolean reads = each.name().contains("Prepare");
      boolean commit = each.name().startsWith("execute: ");
      if (!reads && !(commit && each.transitions().isEmpty())) {
        places.add(new Place(each.name(), commit ? each.transitions().getLast() : null));
      }
    }
    return places;
  }

  private static List<String> transitions(Stand stand, Target target) {
    List<String> names = new ArrayList<>();
    String id = stand.of(target).getFirst().containment().id();
    for (Response response : stand.client.history(id)) {
      names.add(KillSwitch.name(response));
    }
    return names;
  }

  private static void releaseUnlessKilled(
      Stand stand, Story story, Target target, KillSwitch kill) {
    Stand.eventually(
        "it is contained, or killed on the way",
        () ->
            kill.killed()
                || stand.of(target).stream()
                    .anyMatch(each -> each.containment().actedAt() != null && held(each)));
    if (!kill.killed()) {
      story.release(stand.of(target).getFirst().containment().id());
    }
  }

  private static boolean held(Containment containment) {
    ContainmentState state = containment.containment().state();
    return state == ContainmentState.CONTAINED
        || state == ContainmentState.RECOVERING
        || state == ContainmentState.RECOVERED;
  }

  /** Waits for the end of the story, and looks whether everything happened once. */
  private static void finish(Stand stand, Story story, String name, Target target) {
    Stand.eventually(
        name + " is contained",
        () -> stand.of(target).stream().anyMatch(CrashTest::held),
        () -> stand.of(target).toString());
    Containment contained = stand.of(target).getFirst();
    String id = contained.containment().id();
    if (contained.containment().state() == ContainmentState.CONTAINED) {
      story.release(id);
    }
    Stand.eventually(
        name + " is recovered",
        () -> stand.of(target).getFirst().containment().state() == ContainmentState.RECOVERED,
        () -> stand.of(target).toString());

    assertThat(stand.of(target)).hasSize(1);
    Histories.assertWhole(stand.client.history(id));
    List<List<String>> expected = story.writes(name, target, id);
    List<String> writes =
        Writes.actions(stand.kubernetes).stream()
            .filter(write -> write.contains(name) || write.contains(id))
            .toList();
    assertThat(writes)
        .as("writes of %s", name)
        .hasSameSizeAs(expected.stream().flatMap(List::stream).toList());
    int seen = 0;
    for (List<String> together : expected) {
      assertThat(writes.subList(seen, seen + together.size()))
          .as("writes of %s from %d on", name, seen)
          .containsExactlyInAnyOrderElementsOf(together);
      seen += together.size();
    }
    String key = new QuarantineKey(Subject.of(known(target.spiffeId())), id).toString();
    List<ConsumerRecord<byte[], byte[]>> holds =
        stand.records(TopicCatalogue.QUARANTINE).stream()
            .filter(record -> new String(record.key(), UTF_8).equals(key))
            .toList();
    assertThat(holds.stream().filter(record -> record.value() != null)).hasSize(story.holds());
    assertThat(holds.stream().filter(record -> record.value() == null)).hasSize(story.holds());
  }
}
