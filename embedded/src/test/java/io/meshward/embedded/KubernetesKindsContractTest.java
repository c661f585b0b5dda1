package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.ApiClient.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is particular to network policies, services, nodes, events and namespaces. */
class KubernetesKindsContractTest extends KubernetesContract {

  KubernetesKindsContractTest(ContractCluster cluster) {
    super(cluster);
  }

  // Network policies

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"policyTypes":["Up"]}                                           | spec.policyTypes[0]
          {"policyTypes":["Ingress","Egress","Ingress"]}                   | spec.policyTypes
          {"podSelector":{"matchLabels":{"a b":"c"}}}                      | spec.podSelector.matchLabels
          {"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}} | spec.podSelector.matchExpressions[0].values
          {"ingress":[{"from":[{}]}]}                                      | spec.ingress[0].from[0]
          {"egress":[{"to":[{"ipBlock":{"cidr":"none"}}]}]}                | spec.egress[0].to[0].ipBlock.cidr
          {"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/8"]}}]}]} | spec.egress[0].to[0].ipBlock.except[0]
          {"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{}}]}]} | spec.egress[0].to[0]
          {"egress":[{"ports":[{"port":99999}]}]}                          | spec.egress[0].ports[0].port
          {"egress":[{"ports":[{"port":80,"protocol":"X"}]}]}              | spec.egress[0].ports[0].protocol
          {"egress":[{"ports":[{"port":80,"endPort":70}]}]}                | spec.egress[0].ports[0].endPort
          """)
  void refusesAnInvalidNetworkPolicy(String spec, String field) {
    Answer refused =
        api.post(
                in("networkpolicies") + "?dryRun=All",
                "{\"metadata\":{\"name\":\"x\"},\"spec\":" + spec + "}")
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly(field);
  }

  @Test
  void completesANetworkPolicy() {
    Answer ingress =
        api.post(in("networkpolicies") + "?dryRun=All", "{\"metadata\":{\"name\":\"x\"}}")
            .hasCode(201);
    Answer egress =
        api.post(
                in("networkpolicies") + "?dryRun=All",
                "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"egress\":[{\"ports\":[{\"port\":53}]}]}}")
            .hasCode(201);

    assertThat(ingress.at("/spec").toString())
        .isEqualTo("{\"podSelector\":{},\"policyTypes\":[\"Ingress\"]}");
    assertThat(egress.at("/spec/policyTypes").toString()).isEqualTo("[\"Ingress\",\"Egress\"]");
    assertThat(egress.text("/spec/egress/0/ports/0/protocol")).isEqualTo("TCP");
  }

  @Test
  void answersTheDeletionOfANetworkPolicyWithAStatus() {
    Answer policy =
        api.post(in("networkpolicies"), "{\"metadata\":{\"name\":\"deleted\"}}").hasCode(201);

    api.delete(in("networkpolicies", "deleted"), "{\"preconditions\":{\"uid\":\"other\"}}")
        .isRefused(409, "Conflict")
        .containing(
            "Operation cannot be fulfilled on NetworkPolicy.networking.k8s.io \"deleted\": the UID"
                + " in the precondition (other)");
    Answer deleted =
        api.delete(
                in("networkpolicies", "deleted"),
                "{\"preconditions\":{\"uid\":\"" + policy.uid() + "\"}}")
            .hasCode(200);

    assertThat(deleted.at("/details").toString())
        .contains("\"kind\":\"networkpolicies\"", "\"uid\":\"" + policy.uid() + "\"");
    api.get(in("networkpolicies", "deleted")).isRefused(404, "NotFound");
  }

  // Horizontal pod autoscalers

  @Test
  void keepsAnAutoscaler() {
    Answer created = api.post(in("horizontalpodautoscalers"), autoscaler("kept", "")).hasCode(201);
    api.post(in("horizontalpodautoscalers"), autoscaler("floor", "\"minReplicas\":2,"))
        .hasCode(201);

    assertThat(created.at("/spec").toString())
        .contains(
            "\"maxReplicas\":5",
            "\"minReplicas\":1",
            "\"kind\":\"Deployment\"",
            "\"name\":\"none\"",
            "\"apiVersion\":\"apps/v1\"");
    assertThat(created.at("/status").toString())
        .contains("\"currentReplicas\":0", "\"desiredReplicas\":0");
    assertThat(api.get(in("horizontalpodautoscalers")).hasCode(200).at("/items")).hasSize(2);
    assertThat(
            api.get(in("horizontalpodautoscalers", "floor")).hasCode(200).at("/spec/minReplicas"))
        .hasToString("2");
    assertThat(
            api.delete(in("horizontalpodautoscalers", "floor")).hasCode(200).text("/details/kind"))
        .isEqualTo("horizontalpodautoscalers");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "minReplicas":0,                        | spec.minReplicas spec.metrics
          "minReplicas":9,                        | spec.maxReplicas
          "scaleTargetRef":{"kind":"Deployment"}, | spec.scaleTargetRef.name spec.scaleTargetRef.apiVersion
          "scaleTargetRef":{"name":"none"},       | spec.scaleTargetRef.kind spec.scaleTargetRef.apiVersion
          """)
  void refusesAnInvalidAutoscaler(String more, String fields) {
    String body =
        more.contains("scaleTargetRef")
            ? "{\"metadata\":{\"name\":\"x\"},\"spec\":{" + more + "\"maxReplicas\":5}}"
            : autoscaler("x", more);

    Answer refused =
        api.post(in("horizontalpodautoscalers") + "?dryRun=All", body).isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly(fields.split(" "));
  }

  private static String autoscaler(String name, String more) {
    return "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s\"maxReplicas\":5,".formatted(name, more)
        + "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"none\"}}}";
  }

  // Access reviews

  @Test
  void saysWhatAnAdministratorMayDo() {
    String reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

    Answer allowed =
        api.post(
                reviews,
                "{\"spec\":{\"resourceAttributes\":{\"group\":\"apps\",\"resource\":\"deployments\","
                    + "\"subresource\":\"scale\",\"verb\":\"patch\",\"namespace\":\"default\"}}}")
            .hasCode(201);

    assertThat(allowed.at("/status/allowed").asBoolean()).isTrue();
    api.post(reviews, "{\"spec\":{}}").isRefused(422, "Invalid");
    api.get(reviews).hasCode(405);
  }

  // Services

  @Test
  void givesAServiceAnAddressThatStays() {
    Answer service = api.post(in("services"), service("address", "{\"port\":80}")).hasCode(201);
    String address = service.text("/spec/clusterIP");

    Answer patched =
        api.merge(
                in("services", "address"),
                "{\"spec\":{\"clusterIP\":null,\"selector\":{\"app\":null,\"b\":\"c\"}}}")
            .hasCode(200);

    assertThat(address).matches("[0-9.]+");
    assertThat(service.text("/spec/type")).isEqualTo("ClusterIP");
    assertThat(service.at("/spec/ports/0").toString())
        .contains("\"protocol\":\"TCP\"", "\"targetPort\":80");
    assertThat(patched.text("/spec/clusterIP")).isEqualTo(address);
    assertThat(patched.at("/spec/selector").toString()).isEqualTo("{\"b\":\"c\"}");
    assertThat(api.delete(in("services", "address")).hasCode(200).text("/kind"))
        .isEqualTo("Service");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"port":0}                                       | spec.ports[0].port
          {"port":80},{"port":81}                          | spec.ports[0].name
          {"port":80,"name":"a"},{"port":81,"name":"a"}    | spec.ports[1].name
          {"port":80,"protocol":"X"}                       | spec.ports[0].protocol
          """)
  void refusesAnInvalidService(String ports, String field) {
    Answer refused =
        api.post(in("services") + "?dryRun=All", service("x", ports)).isRefused(422, "Invalid");

    assertThat(refused.causes()).contains(field);
  }

  private static String service(String name, String ports) {
    return "{\"metadata\":{\"name\":\""
        + name
        + "\"},\"spec\":{\"selector\":{\"app\":\"a\"},\"ports\":["
        + ports
        + "]}}";
  }

  // Nodes

  @Test
  void keepsPodsAwayFromACordonedNode() {
    String name = namespace + "-node";
    String label = "\"meshward-test\":\"" + namespace + "\"";
    // Pods of other suites, which may run at the same time, would go with the node.
    String taints = "[{\"key\":\"meshward-test\",\"effect\":\"NoSchedule\"}]";
    String tolerations = "[{\"key\":\"meshward-test\",\"operator\":\"Exists\"}]";
    api.post(
            "/api/v1/nodes",
            "{\"metadata\":{\"name\":\""
                + name
                + "\",\"labels\":{"
                + label
                + "}},\"spec\":{\"taints\":"
                + taints
                + "},\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"10\"},\"capacity\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"10\"}}}")
        .hasCode(201);
    try {
      Answer cordoned =
          api.merge("/api/v1/nodes/" + name, "{\"spec\":{\"unschedulable\":true}}").hasCode(200);
      api.await("/api/v1/nodes/" + name, a -> isReady(a.body()));
      api.post(
              in("pods"),
              pod("cordoned", "")
                  .replace(
                      "\"containers\"",
                      "\"tolerations\": "
                          + tolerations
                          + ", \"nodeSelector\": {"
                          + label
                          + "}, \"containers\""))
          .hasCode(201);
      Answer waiting =
          api.await(in("pods", "cordoned"), a -> a.at("/status/conditions").size() > 0);
      Answer open =
          api.merge("/api/v1/nodes/" + name, "{\"spec\":{\"unschedulable\":false}}").hasCode(200);
      Answer running = api.await(in("pods", "cordoned"), a -> isReady(a.body()));

      assertThat(cordoned.at("/spec/unschedulable").asBoolean()).isTrue();
      assertThat(waiting.text("/status/conditions/0/reason")).isEqualTo("Unschedulable");
      assertThat(open.at("/spec").has("unschedulable")).isFalse();
      assertThat(running.text("/spec/nodeName")).isEqualTo(name);
    } finally {
      api.delete("/api/v1/nodes/" + name);
    }
  }

  // Events

  @Test
  void servesAnEventInBothGroups() {
    Answer created = api.post(events(), event("both", "")).hasCode(201);
    Answer core = api.get(in("events", "both")).hasCode(200);

    assertThat(created.text("/note")).isEqualTo("contained");
    assertThat(created.text("/regarding/name")).isEqualTo("web");
    assertThat(core.text("/apiVersion")).isEqualTo("v1");
    assertThat(core.text("/message")).isEqualTo("contained");
    assertThat(core.text("/involvedObject/name")).isEqualTo("web");
    assertThat(core.text("/reportingComponent")).isEqualTo("meshward.io/responder");
    assertThat(core.uid()).isEqualTo(created.uid());
    Answer series =
        api.merge(
                events() + "/both",
                "{\"series\":{\"count\":2,\"lastObservedTime\":\"2026-01-01T00:00:01.000000Z\"}}")
            .hasCode(200);
    assertThat(series.at("/series/count").asInt()).isEqualTo(2);
    api.merge(events() + "/both", "{\"note\":\"other\"}").isRefused(422, "Invalid");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "eventTime":"2026-01-01T00:00:00.123456Z"       | "eventTime":null          | eventTime
          "action":"Contain"                              | "action":""               | action
          "reason":"Contained"                            | "reason":""               | reason
          "type":"Warning"                                | "type":"Loud"             | type
          "reportingInstance":"one"                       | "reportingInstance":""    | reportingInstance
          "reportingController":"meshward.io/responder"   | "reportingController":"a b" | reportingController
          """)
  void refusesAnInvalidEvent(String part, String replacement, String field) {
    Answer refused =
        api.post(events() + "?dryRun=All", event("x", "").replace(part, replacement))
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly(field);
  }

  @Test
  void refusesAnEventTimeWithoutMicroseconds() {
    api.post(events(), event("x", "").replace(".123456Z", "Z")).isRefused(400, "BadRequest");
  }

  private String events() {
    return "/apis/events.k8s.io/v1/namespaces/" + namespace + "/events";
  }

  private String event(String name, String more) {
    return """
    {"metadata":{"name":"%s"},"eventTime":"2026-01-01T00:00:00.123456Z","reportingController":"meshward.io/responder","reportingInstance":"one",
     "action":"Contain","reason":"Contained","type":"Warning","note":"contained",
     "regarding":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","namespace":"%s"}%s}\
    """
        .formatted(name, namespace, more);
  }

  // Namespaces

  @Test
  void emptiesANamespaceBeforeItIsGone() {
    String name = namespace + "-emptied";
    Answer created =
        api.post("/api/v1/namespaces", "{\"metadata\":{\"name\":\"" + name + "\"}}").hasCode(201);
    String accounts = "/api/v1/namespaces/" + name + "/serviceaccounts";
    api.await(accounts + "/default", a -> a.code() == 200);
    api.post(
            "/api/v1/namespaces/" + name + "/pods",
            pod("held", ",\"finalizers\":[\"example.com/hold\"]"))
        .hasCode(201);

    api.delete("/api/v1/namespaces/" + name, "{\"preconditions\":{\"uid\":\"other\"}}")
        .isRefused(409, "Conflict");
    Answer deleted = api.delete("/api/v1/namespaces/" + name).hasCode(200);

    assertThat(created.text("/metadata/labels/kubernetes.io~1metadata.name")).isEqualTo(name);
    assertThat(created.text("/status/phase")).isEqualTo("Active");
    assertThat(deleted.text("/status/phase")).isEqualTo("Terminating");
    api.post(accounts, "{\"metadata\":{\"name\":\"late\"}}")
        .isRefused(403, "Forbidden")
        .containing(
            "unable to create new content in namespace "
                + name
                + " because it is being terminated");
    api.await(
        "/api/v1/namespaces/" + name + "/pods/held",
        a -> a.at("/metadata").has("deletionTimestamp"));
    api.merge("/api/v1/namespaces/" + name + "/pods/held", "{\"metadata\":{\"finalizers\":null}}")
        .hasCode(200);
    api.awaitGone("/api/v1/namespaces/" + name);
  }

  @Test
  void keepsTheSystemsNamespaces() {
    api.delete("/api/v1/namespaces/kube-system")
        .isRefused(403, "Forbidden")
        .saying("namespaces \"kube-system\" is forbidden: this namespace may not be deleted");
  }

  @Test
  void selectsNamespacesByPhase() {
    assertThat(api.get("/api/v1/namespaces?fieldSelector=status.phase%3DActive").names())
        .contains(namespace);
    assertThat(api.get("/api/v1/namespaces?fieldSelector=metadata.name%3D" + namespace).names())
        .containsExactly(namespace);
  }
}
