package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.embedded.ApiClient.Answer;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What controllers make of workloads: replica sets and pods, scaling, orphans, adoption, garbage
 * collection.
 */
class KubernetesControllerContractTest extends KubernetesContract {

  KubernetesControllerContractTest(ContractCluster cluster) {
    super(cluster);
  }

  private Answer settledDeployment(String name, int replicas) {
    api.post(in("deployments"), deployment(name, replicas)).hasCode(201);
    return settled("deployments", name, replicas);
  }

  private JsonNode replicaSet(String app) {
    JsonNode items =
        api.get(in("replicasets") + "?labelSelector=app%3D" + app).body().path("items");
    assertThat(items).hasSize(1);
    return items.get(0);
  }

  @Test
  void makesAReplicaSetAndPodsThatAreOwned() {
    Answer deployment = settledDeployment("made", 2);
    JsonNode replicaSet = replicaSet("made");
    List<JsonNode> pods = pods("made");

    String hash = replicaSet.at("/metadata/labels/pod-template-hash").asText();
    assertThat(replicaSet.at("/metadata/name").asText()).isEqualTo("made-" + hash);
    assertThat(replicaSet.at("/spec/selector/matchLabels/pod-template-hash").asText())
        .isEqualTo(hash);
    assertOwned(replicaSet, "Deployment", deployment.uid());
    assertThat(pods)
        .hasSize(2)
        .allSatisfy(p -> assertOwned(p, "ReplicaSet", replicaSet.at("/metadata/uid").asText()));
    assertThat(pods)
        .allSatisfy(
            p -> assertThat(p.at("/metadata/labels/pod-template-hash").asText()).isEqualTo(hash));
    assertThat(pods)
        .allSatisfy(
            p ->
                assertThat(p.at("/metadata/generateName").asText())
                    .isEqualTo("made-" + hash + "-"));
    assertThat(deployment.at("/status/availableReplicas").asInt()).isEqualTo(2);
    assertThat(deployment.at("/status/updatedReplicas").asInt()).isEqualTo(2);
    assertThat(deployment.text("/metadata/annotations/deployment.kubernetes.io~1revision"))
        .isEqualTo("1");
  }

  private static void assertOwned(JsonNode object, String kind, String uid) {
    JsonNode owners = object.at("/metadata/ownerReferences");
    assertThat(owners).hasSize(1);
    assertThat(owners.at("/0/kind").asText()).isEqualTo(kind);
    assertThat(owners.at("/0/uid").asText()).isEqualTo(uid);
    assertThat(owners.at("/0/controller").asBoolean()).isTrue();
    assertThat(owners.at("/0/blockOwnerDeletion").asBoolean()).isTrue();
  }

  @Test
  void endsAllPodsWhenScaledToZeroAndMakesNewOnesAfterwards() {
    settledDeployment("scaled", 2);

    api.merge(in("deployments", "scaled") + "/scale", "{\"spec\":{\"replicas\":0}}").hasCode(200);
    api.await(in("pods") + "?labelSelector=app%3Dscaled", a -> allTerminating(a.body()));
    Answer empty = settled("deployments", "scaled", 0);

    assertThat(empty.at("/status").has("replicas")).isFalse();
    assertThat(empty.at("/status").has("readyReplicas")).isFalse();
    assertThat(api.get(in("deployments", "scaled") + "/scale").at("/status/replicas").asInt())
        .isZero();
    api.merge(in("deployments", "scaled") + "/scale", "{\"spec\":{\"replicas\":1}}").hasCode(200);
    settled("deployments", "scaled", 1);
  }

  private static boolean allTerminating(JsonNode list) {
    for (JsonNode pod : list.path("items")) {
      if (!pod.at("/metadata").has("deletionTimestamp")) {
        return false;
      }
    }
    return true;
  }

  @Test
  void revertsTheScaleOfAnOwnedReplicaSet() {
    settledDeployment("reverted", 1);
    String path =
        in("replicasets", replicaSet("reverted").at("/metadata/name").asText()) + "/scale";

    api.merge(path, "{\"spec\":{\"replicas\":3}}").hasCode(200);

    api.await(path, a -> a.at("/spec/replicas").asInt() == 1);
    settled("deployments", "reverted", 1);
  }

  @Test
  void releasesAPodThatLosesASelectorLabelAndReplacesIt() {
    settledDeployment("orphaned", 1);
    JsonNode pod = pods("orphaned").getFirst();
    String path = in("pods", pod.at("/metadata/name").asText());

    api.merge(path, "{\"metadata\":{\"labels\":{\"app\":null,\"contained\":\"yes\"}}}")
        .hasCode(200);
    Answer released = api.await(path, a -> !a.at("/metadata").has("ownerReferences"));
    settled("deployments", "orphaned", 1);

    assertThat(released.uid()).isEqualTo(pod.at("/metadata/uid").asText());
    assertThat(released.at("/metadata").has("deletionTimestamp")).isFalse();
    assertThat(pods("orphaned").getFirst().at("/metadata/uid").asText())
        .isNotEqualTo(released.uid());
    api.get(path).hasCode(200);
  }

  @Test
  void adoptsAPodWhoseLabelsComeBackAndEndsOneTooMany() {
    settledDeployment("adopted", 1);
    String path = in("pods", pods("adopted").getFirst().at("/metadata/name").asText());
    api.merge(path, "{\"metadata\":{\"labels\":{\"app\":null}}}").hasCode(200);
    api.await(path, a -> !a.at("/metadata").has("ownerReferences"));
    settled("deployments", "adopted", 1);

    api.merge(path, "{\"metadata\":{\"labels\":{\"app\":\"adopted\"}}}").hasCode(200);

    Answer settled = settled("deployments", "adopted", 1);
    assertThat(settled.at("/status/replicas").asInt()).isEqualTo(1);
    assertThat(pods("adopted"))
        .hasSize(1)
        .allSatisfy(p -> assertThat(p.at("/metadata/ownerReferences")).hasSize(1));
  }

  @Test
  void replacesADeletedPodAtOnce() {
    settledDeployment("replaced", 1);
    JsonNode pod = pods("replaced").getFirst();

    api.delete(in("pods", pod.at("/metadata/name").asText())).hasCode(200);
    api.await(
        in("pods") + "?labelSelector=app%3Dreplaced",
        a -> a.names().size() == 2 || !a.names().contains(pod.at("/metadata/name").asText()));
    settled("deployments", "replaced", 1);

    assertThat(pods("replaced").getFirst().at("/metadata/uid").asText())
        .isNotEqualTo(pod.at("/metadata/uid").asText());
  }

  @Test
  void reportsPodsThatAreNotReady() {
    String unready =
        deployment("unready", 1)
            .replace(
                "{\"metadata\": {\"labels\"",
                "{\"metadata\": {\"annotations\": {\"sim/ready\": \"false\"}, \"labels\"");
    api.post(in("deployments"), unready).hasCode(201);

    Answer status =
        api.await(in("deployments", "unready"), a -> a.at("/status/replicas").asInt() == 1);

    assertThat(status.at("/status").has("readyReplicas")).isFalse();
    assertThat(status.at("/status/unavailableReplicas").asInt()).isEqualTo(1);
    assertThat(status.at("/status/conditions").toString()).contains("MinimumReplicasUnavailable");
  }

  @Test
  void reportsThatPodsCannotBeCreated() {
    api.post(
            in("deployments"),
            deployment("failing", 1)
                .replace("\"containers\"", "\"serviceAccountName\": \"nobody\", \"containers\""))
        .hasCode(201);

    Answer failing =
        api.await(
            in("deployments", "failing"),
            a -> a.at("/status/conditions").toString().contains("ReplicaFailure"));

    assertThat(failing.at("/status/conditions").toString())
        .contains("serviceaccount \\\"nobody\\\" not found");
    assertThat(failing.at("/status/unavailableReplicas").asInt()).isEqualTo(1);
  }

  // Garbage collection

  @Test
  void deletesReplicaSetAndPodsAfterTheDeployment() {
    Answer deployment = settledDeployment("background", 1);

    Answer deleted =
        api.delete(
                in("deployments", "background"),
                "{\"preconditions\":{\"uid\":\"" + deployment.uid() + "\"}}")
            .hasCode(200);

    assertThat(deleted.text("/status")).isEqualTo("Success");
    assertThat(deleted.text("/details/uid")).isEqualTo(deployment.uid());
    api.get(in("deployments", "background")).isRefused(404, "NotFound");
    api.await(in("replicasets") + "?labelSelector=app%3Dbackground", a -> a.names().isEmpty());
    api.await(in("pods") + "?labelSelector=app%3Dbackground", a -> a.names().isEmpty());
  }

  @Test
  void deletesTheDeploymentLastIfInTheForeground() {
    settledDeployment("foreground", 1);

    Answer deleted =
        api.delete(in("deployments", "foreground"), "{\"propagationPolicy\":\"Foreground\"}")
            .hasCode(200);

    assertThat(deleted.text("/kind")).isEqualTo("Deployment");
    assertThat(deleted.at("/metadata/finalizers").toString()).isEqualTo("[\"foregroundDeletion\"]");
    api.awaitGone(in("deployments", "foreground"));
    assertThat(api.get(in("replicasets") + "?labelSelector=app%3Dforeground").names()).isEmpty();
    assertThat(pods("foreground")).isEmpty();
  }

  @Test
  void leavesOrphansThatASuccessorAdopts() {
    settledDeployment("orphans", 1);
    String pod = pods("orphans").getFirst().at("/metadata/uid").asText();

    api.delete(in("deployments", "orphans"), "{\"propagationPolicy\":\"Orphan\"}").hasCode(200);
    api.awaitGone(in("deployments", "orphans"));
    api.await(
        in("replicasets") + "?labelSelector=app%3Dorphans",
        a -> a.body().at("/items/0/metadata/ownerReferences").isMissingNode());
    Answer successor = settledDeployment("orphans", 1);

    assertOwned(replicaSet("orphans"), "Deployment", successor.uid());
    assertThat(pods("orphans").getFirst().at("/metadata/uid").asText()).isEqualTo(pod);
  }

  @Test
  void deletesWhatNamesAnOwnerThatIsGone() {
    Answer owner = api.post(in("deployments"), deployment("owner", 0)).hasCode(201);
    api.post(
            in("networkpolicies"),
            """
            {"metadata":{"name":"owned","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"owner","uid":"%s"}]},
             "spec":{"podSelector":{}}}\
            """
                .formatted(owner.uid()))
        .hasCode(201);

    api.delete(in("deployments", "owner")).hasCode(200);

    api.awaitGone(in("networkpolicies", "owned"));
  }

  // Stateful sets

  @Test
  void startsAndEndsStatefulPodsInOrder() {
    api.post(in("statefulsets"), statefulSet("ordered", 2, "")).hasCode(201);
    Answer first = api.await(in("pods", "ordered-0"), a -> a.code() == 200);
    settled("statefulsets", "ordered", 2);
    Answer second = api.get(in("pods", "ordered-1")).hasCode(200);
    // It cannot be gone before somebody has looked at the first.
    api.merge(in("pods", "ordered-1"), "{\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}")
        .hasCode(200);

    api.merge(in("statefulsets", "ordered") + "/scale", "{\"spec\":{\"replicas\":0}}").hasCode(200);
    api.await(in("pods", "ordered-1"), a -> a.at("/metadata").has("deletionTimestamp"));
    boolean firstStays = !api.get(in("pods", "ordered-0")).at("/metadata").has("deletionTimestamp");
    api.merge(in("pods", "ordered-1"), "{\"metadata\":{\"finalizers\":null}}").hasCode(200);
    api.await(in("pods") + "?labelSelector=app%3Dordered", a -> a.names().isEmpty());

    assertThat(first.text("/metadata/labels/apps.kubernetes.io~1pod-index")).isEqualTo("0");
    assertThat(first.text("/metadata/labels/statefulset.kubernetes.io~1pod-name"))
        .isEqualTo("ordered-0");
    assertThat(Long.parseLong(second.at("/metadata/ownerReferences").size() + "")).isEqualTo(1);
    assertThat(firstStays).isTrue();
  }

  @Test
  void startsStatefulPodsTogetherIfParallel() {
    api.post(
            in("statefulsets"),
            statefulSet("parallel", 2, "\"podManagementPolicy\": \"Parallel\","))
        .hasCode(201);

    settled("statefulsets", "parallel", 2);

    assertThat(pods("parallel"))
        .extracting(p -> p.at("/metadata/name").asText())
        .containsExactly("parallel-0", "parallel-1");
  }

  @Test
  void cannotReplaceAStatefulPodWhileItsOrphanHasTheName() {
    api.post(in("statefulsets"), statefulSet("blocked", 1, "")).hasCode(201);
    settled("statefulsets", "blocked", 1);
    String uid = api.get(in("pods", "blocked-0")).uid();

    api.merge(in("pods", "blocked-0"), "{\"metadata\":{\"labels\":{\"app\":null}}}").hasCode(200);
    api.await(in("pods", "blocked-0"), a -> !a.at("/metadata").has("ownerReferences"));
    api.await(in("statefulsets", "blocked"), a -> a.at("/status/replicas").asInt() == 0);

    assertThat(api.get(in("pods", "blocked-0")).uid()).isEqualTo(uid);
  }

  @Test
  void keepsWhatAStatefulSetMayNotChange() {
    api.post(in("statefulsets"), statefulSet("kept", 0, "")).hasCode(201);

    Answer refused =
        api.merge(in("statefulsets", "kept"), "{\"spec\":{\"serviceName\":\"other\"}}")
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly("spec");
  }
}
