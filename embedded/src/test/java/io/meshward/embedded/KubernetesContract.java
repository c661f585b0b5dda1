package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.embedded.ApiClient.Answer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every contract suite has: the cluster that it runs against, and a random namespace in it,
 * removed at the end. A suite states the real API's behaviour; it runs against the double always
 * and against a real cluster where one is given.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("io.meshward.embedded.ContractClusters#all")
abstract class KubernetesContract {

  final ContractCluster cluster;
  final String namespace;
  ApiClient api;

  KubernetesContract(ContractCluster cluster) {
    this.cluster = cluster;
    this.namespace = cluster.namespace();
  }

  @BeforeParameterizedClassInvocation
  static void assumeGiven(ContractCluster cluster) {
    cluster.assumeGiven();
  }

  @BeforeEach
  void open() {
    api = cluster.open();
  }

  /** The path of a collection in the suite's namespace. */
  String in(String resource) {
    String root =
        switch (resource) {
          case "deployments", "replicasets", "statefulsets" -> "/apis/apps/v1";
          case "networkpolicies" -> "/apis/networking.k8s.io/v1";
          case "horizontalpodautoscalers" -> "/apis/autoscaling/v1";
          default -> "/api/v1";
        };
    return root + "/namespaces/" + namespace + "/" + resource;
  }

  /** The path of an object in the suite's namespace. */
  String in(String resource, String name) {
    return in(resource) + "/" + name;
  }

  static String deployment(String name, int replicas) {
    return workload("apps/v1", "Deployment", name, replicas, "");
  }

  static String statefulSet(String name, int replicas, String more) {
    return workload("apps/v1", "StatefulSet", name, replicas, "\"serviceName\": \"none\"," + more);
  }

  private static String workload(
      String apiVersion, String kind, String name, int replicas, String more) {
    return """
    {"apiVersion": "%s", "kind": "%s", "metadata": {"name": "%s", "labels": {"app": "%s"}},
     "spec": {"replicas": %d, %s "selector": {"matchLabels": {"app": "%s"}},
              "template": {"metadata": {"labels": {"app": "%s"}},
                           "spec": {"containers": [{"name": "main", "image": "none"}]}}}}\
    """
        .formatted(apiVersion, kind, name, name, replicas, more, name, name);
  }

  static String pod(String name, String metadata) {
    return """
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "labels": {"app": "%s"}%s},
     "spec": {"containers": [{"name": "main", "image": "none"}]}}\
    """
        .formatted(name, name, metadata);
  }

  static boolean isReady(JsonNode pod) {
    for (JsonNode condition : pod.at("/status/conditions")) {
      if (condition.path("type").asText().equals("Ready")) {
        return condition.path("status").asText().equals("True");
      }
    }
    return false;
  }

  Answer readyPod(String name) {
    return readyPod(name, "");
  }

  /** Creates a pod and waits until it is ready. */
  Answer readyPod(String name, String metadata) {
    api.post(in("pods"), pod(name, metadata)).hasCode(201);
    return api.await(in("pods", name), a -> isReady(a.body()));
  }

  /** Waits until a workload has that many pods, all ready, and none is ending. */
  Answer settled(String resource, String name, int replicas) {
    return api.await(
        in(resource, name),
        a ->
            a.at("/status/readyReplicas").asInt() == replicas
                && a.at("/status/replicas").asInt() == replicas
                && a.at("/status/observedGeneration").asInt()
                    == a.at("/metadata/generation").asInt()
                && (!resource.equals("deployments") || isComplete(a.body()))
                && pods(name).size() == replicas);
  }

  /** The deployment controller has written its last word. */
  private static boolean isComplete(JsonNode deployment) {
    boolean complete = false;
    boolean available = false;
    for (JsonNode condition : deployment.at("/status/conditions")) {
      complete |= condition.path("reason").asText().equals("NewReplicaSetAvailable");
      available |= condition.path("reason").asText().equals("MinimumReplicasAvailable");
    }
    return complete && available && deployment.at("/status/terminatingReplicas").asInt() == 0;
  }

  /** The pods of the suite's namespace that carry that {@code app} label. */
  List<JsonNode> pods(String app) {
    List<JsonNode> pods = new ArrayList<>();
    api.get(in("pods") + "?labelSelector=app%3D" + app)
        .hasCode(200)
        .body()
        .path("items")
        .forEach(pods::add);
    return pods;
  }
}
