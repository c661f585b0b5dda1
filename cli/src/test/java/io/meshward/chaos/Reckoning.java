package io.meshward.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.Response;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** What has to be true in the end, whatever died on the way. */
final class Reckoning {
  private final Installation installation;
  private final List<Story> stories;
  private final Watch watch;

  Reckoning(Installation installation, List<Story> stories, Watch watch) {
    this.installation = installation;
    this.stories = stories;
    this.watch = watch;
  }

  /** Every containment comes to the state in which its story ends, and stays there. */
  void awaitEnd() {
    for (Story story : stories) {
      Await.until(
          story.workload() + " comes to " + story.end() + " with " + story.detections(),
          () ->
              watch.of(story.workload()).stream()
                  .anyMatch(
                      c ->
                          c.containment().state() == story.end()
                              && c.detections().size() == story.detections()),
          () -> watch.of(story.workload()) + " among " + installation.cluster.state(story));
    }
    long held = holds();
    Await.until(
        "every peer applies " + held + " holds",
        () -> installation.peers.allApply((int) held),
        installation.peers::state);
    Await.until(
        "the inventory shows the pods there are",
        () -> livingPods().equals(podsOfTheCluster()),
        () -> livingPods() + " for " + podsOfTheCluster());
  }

  private long holds() {
    return stories.stream().filter(story -> story.end() == ContainmentState.CONTAINED).count();
  }

  private Set<String> livingPods() {
    return installation.topics.latest(TopicCatalogue.INVENTORY, Inventory.class).values().stream()
        .filter(inventory -> inventory.valid().to() == null)
        .map(inventory -> inventory.pod().uid())
        .collect(Collectors.toSet());
  }

  private Set<String> podsOfTheCluster() {
    return installation.cluster.pods().stream()
        .map(pod -> pod.getMetadata().getUid())
        .collect(Collectors.toSet());
  }

  /**
   * Every answered alert stands on its topic, and under one id that no other alert has: who counts
   * ids counts each once. One that was posted again, because its answer was lost or by a sensor
   * that repeats itself, may stand there again; one that was posted once stands there once.
   *
   * @param answered how often each alert was posted, by its number
   */
  void assertAlerts(Map<Long, Integer> answered) {
    Map<Long, Set<String>> ids = new TreeMap<>();
    Map<Long, Integer> copies = new TreeMap<>();
    for (Envelope<FalcoAlert> alert :
        installation.topics.events(TopicCatalogue.EVENTS_FALCO, FalcoAlert.class)) {
      long number = alert.data().outputFields().get(Alert.NUMBER).longValue();
      ids.computeIfAbsent(number, none -> new HashSet<>()).add(alert.id());
      copies.merge(number, 1, Integer::sum);
    }
    assertThat(ids.keySet()).as("alerts on the topic").isEqualTo(new TreeMap<>(answered).keySet());
    assertThat(ids.values())
        .as("ids of each alert")
        .allSatisfy(each -> assertThat(each).hasSize(1));
    assertThat(ids.values().stream().flatMap(Set::stream)).doesNotHaveDuplicates();
    assertThat(copies)
        .allSatisfy(
            (number, count) ->
                assertThat(count)
                    .as("copies of alert %s", number)
                    .isBetween(1, answered.get(number)));
  }

  /**
   * Each story is detected as often as its alerts say, no detection is there twice, and they are,
   * by id, those of a detect that nobody killed.
   */
  void assertDetections() throws IOException {
    List<String> seen = ids(installation.topics);
    assertThat(seen).doesNotHaveDuplicates();
    assertThat(seen).containsExactlyInAnyOrderElementsOf(ids(installation.undisturbed()));
    Map<String, Long> perRuleAndWorkload =
        installation.topics.events(TopicCatalogue.DETECTIONS, Detection.class).stream()
            .map(Envelope::data)
            .collect(
                Collectors.groupingBy(
                    d -> d.detection().rule() + " in " + owner(d), Collectors.counting()));
    assertThat(perRuleAndWorkload)
        .isEqualTo(
            stories.stream()
                .collect(
                    Collectors.toMap(
                        story -> story.kind().rule() + " in " + story.workload(),
                        story -> (long) story.detections())));
  }

  private static String owner(Detection detection) {
    return detection.target().owner() == null ? "nobody" : detection.target().owner().name();
  }

  private static List<String> ids(Topics topics) {
    return topics.events(TopicCatalogue.DETECTIONS, Detection.class).stream()
        .map(Envelope::id)
        .toList();
  }

  /** Each story has one containment, and its history is without gaps, forks or repetitions. */
  void assertContainments() {
    assertThat(watch.all()).as("containments").hasSize(stories.size());
    for (Story story : stories) {
      assertThat(watch.of(story.workload()))
          .as(story.workload())
          .singleElement()
          .satisfies(
              containment -> {
                assertThat(containment.containment().state()).isEqualTo(story.end());
                assertThat(containment.detections()).hasSize(story.detections());
              });
    }
    Map<String, @Nullable String> previous = new HashMap<>();
    Map<String, Long> sequence = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record :
        installation.topics.records(TopicCatalogue.RESPONSES)) {
      Response.Transition transition =
          CloudEvents.fromRecord(record, Response.class).data().response();
      String id = transition.containment();
      assertThat(transition.sequence())
          .as("sequence of %s", id)
          .isEqualTo(sequence.merge(id, 1L, Long::sum));
      assertThat(transition.previous()).as("chain of %s", id).isEqualTo(previous.get(id));
      previous.put(id, sha256(record.value()));
    }
    assertThat(
            installation
                .topics
                .latest(TopicCatalogue.QUARANTINE, Quarantine.class)
                .values()
                .stream()
                .map(quarantine -> quarantine.hold().containment()))
        .containsExactlyInAnyOrderElementsOf(
            watch.all().stream()
                .filter(c -> c.containment().state() == ContainmentState.CONTAINED)
                .map(c -> c.containment().id())
                .toList());
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The API server did exactly what the stories call for, each thing once. */
  void assertActions() {
    Map<String, Long> expected = new TreeMap<>();
    Map<String, Integer> replicas = new TreeMap<>();
    String namespace = "/namespaces/" + Cluster.NAMESPACE;
    for (Story story : stories) {
      Containment containment = watch.of(story.workload()).getFirst();
      switch (story.kind()) {
        case BURST ->
            expected.put(
                "PATCH /apis/apps/v1" + namespace + "/deployments/" + story.workload() + "/scale",
                story.release() ? 2L : 1L);
        case ACCESS -> {
          String policy =
              "/apis/networking.k8s.io/v1"
                  + namespace
                  + "/networkpolicies/meshward-"
                  + containment.containment().id();
          String pod = "/api/v1" + namespace + "/pods/" + story.pod();
          for (String action :
              List.of("PATCH " + policy, "PATCH " + pod, "DELETE " + pod, "DELETE " + policy)) {
            expected.put(action, 1L);
          }
        }
      }
      replicas.put(story.workload(), story.end() == ContainmentState.CONTAINED ? 0 : 1);
    }
    assertThat(new TreeMap<>(installation.cluster.actions())).isEqualTo(expected);
    assertThat(new TreeMap<>(installation.cluster.replicas())).isEqualTo(replicas);
    assertThat(installation.cluster.policies()).isZero();
  }

  /** Nothing was parked. */
  void assertNoDeadLetters() {
    assertThat(installation.topics.records(TopicCatalogue.DEADLETTER)).as("dead letters").isEmpty();
  }
}
