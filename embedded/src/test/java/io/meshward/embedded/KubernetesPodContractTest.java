package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.ApiClient.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pods from their creation to their end: what kubelets report, deletion with preconditions and
 * grace, finalizers, eviction.
 */
class KubernetesPodContractTest extends KubernetesContract {

  KubernetesPodContractTest(ContractCluster cluster) {
    super(cluster);
  }

  // Life

  @Test
  void startsPendingAndBecomesReadyOnANodeWithAnAddress() {
    Answer created = api.post(in("pods"), pod("life", "")).hasCode(201);
    Answer ready = api.await(in("pods", "life"), a -> isReady(a.body()));

    assertThat(created.text("/status/phase")).isEqualTo("Pending");
    assertThat(created.text("/status/qosClass")).isEqualTo("BestEffort");
    assertThat(created.text("/spec/serviceAccountName")).isEqualTo("default");
    assertThat(ready.text("/status/phase")).isEqualTo("Running");
    assertThat(ready.text("/spec/nodeName")).isNotEmpty();
    assertThat(ready.text("/status/podIP"))
        .isNotEmpty()
        .isEqualTo(ready.text("/status/podIPs/0/ip"));
    assertThat(ready.at("/status/containerStatuses/0/ready").asBoolean()).isTrue();
    assertThat(ready.uid()).isEqualTo(created.uid());
  }

  @Test
  void givesEachPodAnAddressOfItsOwn() {
    String first = readyPod("address-1").text("/status/podIP");
    String second = readyPod("address-2").text("/status/podIP");

    assertThat(first).isNotEqualTo(second);
  }

  @Test
  void refusesAServiceAccountThatDoesNotExist() {
    api.post(
            in("pods"),
            pod("account", "")
                .replace("\"containers\"", "\"serviceAccountName\": \"nobody\", \"containers\""))
        .isRefused(403, "Forbidden")
        .saying(
            "pods \"account\" is forbidden: error looking up service account "
                + namespace
                + "/nobody: serviceaccount \"nobody\" not found");
  }

  @Test
  void refusesAnInvalidSpecification() {
    Answer refused =
        api.post(
                in("pods"),
                pod("x", "")
                    .replace("\"containers\"", "\"restartPolicy\": \"Sometimes\", \"containers\""))
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly("spec.restartPolicy");
  }

  @Test
  void followsTheReadinessAnnotation() {
    readyPod("readiness");

    api.merge(in("pods", "readiness"), "{\"metadata\":{\"annotations\":{\"sim/ready\":\"false\"}}}")
        .hasCode(200);
    Answer unready = api.await(in("pods", "readiness"), a -> !isReady(a.body()));
    api.merge(in("pods", "readiness"), "{\"metadata\":{\"annotations\":{\"sim/ready\":null}}}")
        .hasCode(200);

    assertThat(unready.text("/status/phase")).isEqualTo("Running");
    api.await(in("pods", "readiness"), a -> isReady(a.body()));
  }

  @Test
  void keepsItsSpecificationButNotItsLabels() {
    readyPod("kept");

    Answer labelled =
        api.merge(in("pods", "kept"), "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}").hasCode(200);

    assertThat(labelled.at("/metadata/generation").asInt()).isEqualTo(1);
    Answer refused =
        api.merge(in("pods", "kept"), "{\"spec\":{\"nodeName\":\"elsewhere\"}}")
            .isRefused(422, "Invalid");
    assertThat(refused.causes()).containsExactly("spec");
    assertThat(refused.text("/message")).contains("pod updates may not change fields other than");
  }

  @Test
  void waitsForANodeThatItsSelectorMatches() {
    api.post(
            in("pods"),
            pod("selective", "")
                .replace("\"containers\"", "\"nodeSelector\": {\"no\": \"such\"}, \"containers\""))
        .hasCode(201);

    Answer waiting =
        api.await(in("pods", "selective"), a -> a.at("/status/conditions").size() == 1);

    assertThat(waiting.text("/status/conditions/0/type")).isEqualTo("PodScheduled");
    assertThat(waiting.text("/status/conditions/0/status")).isEqualTo("False");
    assertThat(waiting.text("/status/conditions/0/reason")).isEqualTo("Unschedulable");
    api.delete(in("pods", "selective")).hasCode(200);
    api.get(in("pods", "selective")).isRefused(404, "NotFound");
  }

  // Deletion

  @Test
  void isTerminatingBeforeItIsGone() {
    Answer pod = readyPod("terminating");

    Answer deleted =
        api.delete(in("pods", "terminating"), "{\"preconditions\":{\"uid\":\"" + pod.uid() + "\"}}")
            .hasCode(200);

    assertThat(deleted.text("/kind")).isEqualTo("Pod");
    assertThat(deleted.text("/metadata/deletionTimestamp")).isNotEmpty();
    assertThat(deleted.at("/metadata/deletionGracePeriodSeconds").asInt()).isEqualTo(30);
    assertThat(deleted.at("/metadata/generation").asInt()).isEqualTo(2);
    assertThat(deleted.text("/status/phase")).isEqualTo("Running");
    api.awaitGone(in("pods", "terminating"));
  }

  @Test
  void refusesToDeleteUnderFalsePreconditions() {
    Answer pod = readyPod("preconditions");

    api.delete(in("pods", "preconditions"), "{\"preconditions\":{\"uid\":\"other\"}}")
        .isRefused(409, "Conflict")
        .saying(
            "Operation cannot be fulfilled on Pod \"preconditions\": the UID in the precondition"
                + " (other) does not match the UID in record ("
                + pod.uid()
                + "). The object might have been deleted and then recreated");
    api.delete(in("pods", "preconditions"), "{\"preconditions\":{\"resourceVersion\":\"1\"}}")
        .isRefused(409, "Conflict")
        .containing(
            "the ResourceVersion in the precondition (1) does not match the ResourceVersion in"
                + " record (");
    assertThat(api.get(in("pods", "preconditions")).at("/metadata").has("deletionTimestamp"))
        .isFalse();
  }

  @Test
  void takesAShorterGracePeriodAndNoLongerOne() {
    readyPod("grace", ",\"annotations\":{\"sim/stop\":\"slow\"}");

    Answer first = api.delete(in("pods", "grace"), "{\"gracePeriodSeconds\":20}").hasCode(200);
    Answer longer = api.delete(in("pods", "grace"), "{\"gracePeriodSeconds\":25}").hasCode(200);
    Answer shorter = api.delete(in("pods", "grace"), "{\"gracePeriodSeconds\":10}").hasCode(200);

    assertThat(first.at("/metadata/deletionGracePeriodSeconds").asInt()).isEqualTo(20);
    assertThat(longer.at("/metadata/deletionGracePeriodSeconds").asInt()).isEqualTo(20);
    assertThat(longer.version()).isEqualTo(first.version());
    assertThat(shorter.at("/metadata/deletionGracePeriodSeconds").asInt()).isEqualTo(10);
    assertThat(shorter.at("/metadata/generation").asInt()).isEqualTo(2);
    api.delete(in("pods", "grace"), "{\"gracePeriodSeconds\":0}").hasCode(200);
    api.get(in("pods", "grace")).isRefused(404, "NotFound");
  }

  @Test
  void staysForItsWholeGracePeriodIfItIsSlowToStop() {
    readyPod("slow", ",\"annotations\":{\"sim/stop\":\"slow\"}");
    long start = System.nanoTime();

    api.delete(in("pods", "slow"), "{\"gracePeriodSeconds\":2}").hasCode(200);
    api.awaitGone(in("pods", "slow"));

    assertThat(System.nanoTime() - start).isGreaterThan(1_000_000_000L);
  }

  @Test
  void takesTheOptionsOfTheQueryIfThereIsNoBody() {
    readyPod("query");

    Answer dry = api.delete(in("pods", "query") + "?dryRun=All&gracePeriodSeconds=3").hasCode(200);

    assertThat(dry.at("/metadata/deletionGracePeriodSeconds").asInt()).isEqualTo(3);
    assertThat(api.get(in("pods", "query")).at("/metadata").has("deletionTimestamp")).isFalse();
    api.delete(in("pods", "query") + "?dryRun=All", "{}").hasCode(200);
    api.awaitGone(in("pods", "query"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"propagationPolicy":"Sideways"} | 422 | Invalid
          {"dryRun":["Some"]}              | 422 | Invalid
          {"propagationPolicy":"Foreground","orphanDependents":true} | 422 | Invalid
          {"gracePeriodSeconds":"x"}       | 400 | BadRequest
          {"kind":"Pod"}                   | 400 | BadRequest
          []                               | 400 | BadRequest
          {bad                             | 400 | BadRequest
          """)
  void refusesInvalidDeleteOptions(String options, int code, String reason) {
    api.post(in("pods"), pod("options", ""));

    api.delete(in("pods", "options"), options).isRefused(code, reason);
  }

  @Test
  void deletesOnlyWhatIsThere() {
    api.delete(in("pods", "never")).isRefused(404, "NotFound").saying("pods \"never\" not found");
    api.delete(in("pods", "never") + "?gracePeriodSeconds=x").isRefused(400, "BadRequest");
  }

  @Test
  void waitsForItsFinalizers() {
    readyPod("finalized", ",\"finalizers\":[\"example.com/hold\"]");

    api.delete(in("pods", "finalized"), "{\"gracePeriodSeconds\":0}").hasCode(200);
    Answer held = api.get(in("pods", "finalized")).hasCode(200);
    Answer refused =
        api.merge(
                in("pods", "finalized"),
                "{\"metadata\":{\"finalizers\":[\"example.com/hold\",\"example.com/more\"]}}")
            .isRefused(422, "Invalid");
    api.merge(in("pods", "finalized"), "{\"metadata\":{\"finalizers\":null}}").hasCode(200);

    assertThat(held.at("/metadata/deletionGracePeriodSeconds").asInt()).isZero();
    assertThat(refused.causes()).containsExactly("metadata.finalizers");
    api.awaitGone(in("pods", "finalized"));
  }

  // Eviction

  @Test
  void evictsWithACondition() {
    readyPod("evicted", ",\"finalizers\":[\"example.com/hold\"]");

    Answer evicted = evict("evicted", "").hasCode(201);
    Answer pod = api.get(in("pods", "evicted")).hasCode(200);

    assertThat(evicted.text("/status")).isEqualTo("Success");
    assertThat(pod.text("/metadata/deletionTimestamp")).isNotEmpty();
    assertThat(pod.at("/status/conditions").toString())
        .contains("DisruptionTarget", "EvictionByEvictionAPI");
    api.merge(in("pods", "evicted"), "{\"metadata\":{\"finalizers\":null}}").hasCode(200);
    api.awaitGone(in("pods", "evicted"));
    evict("evicted", "").isRefused(404, "NotFound");
  }

  @Test
  void evictsOnlyUnderItsPreconditions() {
    readyPod("guarded");

    evict("guarded", ",\"deleteOptions\":{\"preconditions\":{\"uid\":\"other\"}}")
        .isRefused(409, "Conflict")
        .containing("the UID in the precondition (other)");
    evict("guarded", ",\"deleteOptions\":{\"preconditions\":{\"resourceVersion\":\"1\"}}")
        .isRefused(409, "Conflict");
    evict("guarded", ",\"deleteOptions\":{\"dryRun\":[\"All\"]}").hasCode(201);

    assertThat(api.get(in("pods", "guarded")).at("/metadata").has("deletionTimestamp")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"metadata\":{\"name\":\"other\"}}",
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"strange\"}}"
      })
  void refusesAnEvictionOfAnotherName(String body) {
    api.post(in("pods"), pod("strange", ""));

    api.post(in("pods", "strange") + "/eviction", body).isRefused(400, "BadRequest");
  }

  @Test
  void knowsEvictionsOnlyAsSomethingToCreate() {
    api.post(in("pods"), pod("verbs", ""));

    api.get(in("pods", "verbs") + "/eviction").isRefused(405, "MethodNotAllowed");
    api.delete(in("pods", "verbs") + "/eviction").isRefused(405, "MethodNotAllowed");
  }

  private Answer evict(String name, String more) {
    return api.post(
        in("pods", name) + "/eviction",
        "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\""
            + name
            + "\"}"
            + more
            + "}");
  }
}
