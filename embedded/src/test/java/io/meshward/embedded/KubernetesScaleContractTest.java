package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.ApiClient.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The scale subresource: what it shows, how it locks, what it changes. */
class KubernetesScaleContractTest extends KubernetesContract {

  KubernetesScaleContractTest(ContractCluster cluster) {
    super(cluster);
  }

  private String scale(String name) {
    return in("deployments", name) + "/scale";
  }

  @Test
  void showsTheReplicasOfTheWorkload() {
    Answer workload = api.post(in("deployments"), deployment("shown", 2)).hasCode(201);

    Answer scale = api.get(scale("shown")).hasCode(200);

    assertThat(scale.text("/kind")).isEqualTo("Scale");
    assertThat(scale.text("/apiVersion")).isEqualTo("autoscaling/v1");
    assertThat(scale.uid()).isEqualTo(workload.uid());
    assertThat(scale.at("/spec/replicas").asInt()).isEqualTo(2);
    assertThat(scale.text("/status/selector")).isEqualTo("app=shown");
    api.get(scale("not-there"))
        .isRefused(404, "NotFound")
        .saying("deployments.apps \"not-there\" not found");
  }

  @Test
  void scalesUnderUidAndVersion() {
    api.post(in("deployments"), deployment("locked", 1)).hasCode(201);
    Answer read = quiet("locked", 1);

    Answer scaled = api.merge(scale("locked"), patch(read.uid(), read.version(), 0)).hasCode(200);

    assertThat(scaled.at("/spec").has("replicas")).isFalse();
    assertThat(scaled.version()).isNotEqualTo(read.version());
    assertThat(api.get(in("deployments", "locked")).at("/spec/replicas").asInt()).isZero();
    assertThat(api.get(in("deployments", "locked")).at("/metadata/generation").asInt())
        .isEqualTo(2);
  }

  @Test
  void refusesAnotherUid() {
    Answer workload = api.post(in("deployments"), deployment("uid", 1)).hasCode(201);

    api.merge(scale("uid"), "{\"metadata\":{\"uid\":\"other\"},\"spec\":{\"replicas\":0}}")
        .isRefused(409, "Conflict")
        .saying(
            "Operation cannot be fulfilled on deployments/scale.apps \"uid\": Precondition failed:"
                + " UID in precondition: other, UID in object meta: "
                + workload.uid());
    assertThat(api.get(scale("uid")).at("/spec/replicas").asInt()).isEqualTo(1);
  }

  @Test
  void refusesAnotherVersion() {
    api.post(in("deployments"), deployment("version", 1)).hasCode(201);

    api.merge(
            scale("version"),
            "{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"replicas\":0}}")
        .isRefused(409, "Conflict")
        .saying(
            "Operation cannot be fulfilled on deployments.apps \"version\": the object has been"
                + " modified; please apply your changes to the latest version and try again");
  }

  @Test
  void patchesWithOperations() {
    Answer workload = api.post(in("deployments"), deployment("operations", 0)).hasCode(201);

    api.jsonPatch(
            scale("operations"),
            "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\""
                + workload.uid()
                + "\"},{\"op\":\"add\",\"path\":\"/spec/replicas\",\"value\":1}]")
        .hasCode(200);
    api.jsonPatch(
            scale("operations"),
            "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"x\"},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":5}]")
        .isRefused(422, "Invalid");

    assertThat(api.get(scale("operations")).at("/spec/replicas").asInt()).isEqualTo(1);
  }

  @Test
  void replacesAWholeScale() {
    api.post(in("deployments"), deployment("put", 1)).hasCode(201);
    Answer read = quiet("put", 1);

    api.put(
            scale("put"),
            read.body()
                .toString()
                .replace("\"replicas\":1},\"status\"", "\"replicas\":0},\"status\""))
        .hasCode(200);
    api.put(scale("put"), read.body().toString())
        .isRefused(409, "Conflict")
        .containing("the object has been modified");
    api.put(
            scale("put"),
            "{\"metadata\":{\"name\":\"put\",\"uid\":\"x\"},\"spec\":{\"replicas\":3}}")
        .isRefused(409, "Conflict")
        .containing(
            "Precondition failed: UID in precondition: x, UID in object meta: " + read.uid());
    api.put(scale("put"), "{\"metadata\":{\"name\":\"put\"},\"spec\":{}}").hasCode(200);
    assertThat(api.get(scale("put")).at("/spec").has("replicas")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"spec":{"replicas":-1}}           | 422
          {"spec":{"replicas":"x"}}          | 422
          {"kind":"Deployment"}              | 422
          {"metadata":{"name":"other"}}      | 400
          {"metadata":{"namespace":"other"}} | 400
          []                                 | 400
          """)
  void refusesInvalidScales(String patch, int code) {
    api.post(in("deployments"), deployment("invalid", 1));

    api.merge(scale("invalid"), patch).hasCode(code);
  }

  @Test
  void hasNoOtherVerbs() {
    api.post(in("deployments"), deployment("verbs", 1));

    api.delete(scale("verbs")).isRefused(405, "MethodNotAllowed");
    api.post(scale("verbs"), "{}").isRefused(405, "MethodNotAllowed");
    api.get(in("pods", "verbs") + "/scale").isRefused(404, "NotFound");
  }

  @Test
  void triesWithoutATrace() {
    api.post(in("deployments"), deployment("dry", 1)).hasCode(201);
    Answer before = quiet("dry", 1);

    Answer dry =
        api.merge(
                scale("dry") + "?dryRun=All&fieldManager=m",
                patch(before.uid(), before.version(), 0))
            .hasCode(200);

    assertThat(dry.at("/spec").has("replicas")).isFalse();
    assertThat(dry.version()).isEqualTo(before.version());
    assertThat(api.get(scale("dry")).body()).isEqualTo(before.body());
  }

  @Test
  void recordsAChangedCountUnderTheFieldManagerUnlessItIsZero() {
    api.post(in("deployments") + "?fieldManager=creator", deployment("owned", 2)).hasCode(201);
    settled("deployments", "owned", 2);

    api.merge(scale("owned") + "?fieldManager=scaler", "{\"spec\":{\"replicas\":1}}").hasCode(200);
    String afterOne = owners("owned");
    api.merge(scale("owned") + "?fieldManager=scaler", "{\"spec\":{\"replicas\":0}}").hasCode(200);
    String afterZero = owners("owned");
    api.merge(scale("owned") + "?fieldManager=scaler", "{\"spec\":{\"replicas\":1}}").hasCode(200);

    assertThat(afterOne).isEqualTo("scaler Update scale");
    assertThat(afterZero).isEmpty();
    assertThat(owners("owned")).isEmpty();
  }

  /** Who owns the replica count: manager, operation, subresource. */
  private String owners(String name) {
    StringBuilder owners = new StringBuilder();
    api.get(in("deployments", name))
        .at("/metadata/managedFields")
        .forEach(
            m -> {
              if (m.at("/fieldsV1/f:spec").has("f:replicas")) {
                owners.append(
                    m.path("manager").asText()
                        + " "
                        + m.path("operation").asText()
                        + " "
                        + m.path("subresource").asText());
              }
            });
    return owners.toString();
  }

  @ParameterizedTest
  @CsvSource({"statefulsets,StatefulSet", "replicasets,ReplicaSet"})
  void existsForOtherWorkloads(String resource, String kind) {
    api.post(in(resource), deployment(resource, 0).replace("\"Deployment\"", "\"" + kind + "\""))
        .hasCode(201);

    Answer scaled =
        api.merge(in(resource, resource) + "/scale", "{\"spec\":{\"replicas\":1}}").hasCode(200);

    assertThat(scaled.at("/spec/replicas").asInt()).isEqualTo(1);
    settled(resource, resource, 1);
  }

  /** A scale whose workload the controllers have done with, so that its version stays. */
  private Answer quiet(String name, int replicas) {
    settled("deployments", name, replicas);
    return api.get(scale(name));
  }

  private static String patch(String uid, String version, int replicas) {
    return "{\"metadata\":{\"uid\":\"%s\",\"resourceVersion\":\"%s\"},\"spec\":{\"replicas\":%d}}"
        .formatted(uid, version, replicas);
  }
}
