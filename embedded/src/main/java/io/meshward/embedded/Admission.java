package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the server adds to or refuses of an object by what else exists, and what the double refuses
 * because it does not simulate it.
 */
final class Admission {

  private static final List<String> QUALITY_RESOURCES = List.of("cpu", "memory");

  private Admission() {}

  static void ofNew(ResourceType type, ApiObject object, Registry registry) {
    switch (type.plural()) {
      case "pods" -> pod(object, registry);
      case "services" -> service(object, registry);
      case "namespaces" -> {
        object.spec().putArray("finalizers").add("kubernetes");
        object.status().put("phase", "Active");
      }
      default -> {}
    }
  }

  /**
   * Refuses what is valid and not simulated.
   *
   * @throws ApiFailure 501
   */
  static void checkSimulated(ResourceType type, ApiObject object) {
    JsonNode spec = object.json().path("spec");
    switch (type.plural()) {
      case "services" -> {
        String serviceType = spec.path("type").asText();
        if (!serviceType.equals("ClusterIP")) {
          throw ApiFailure.notSimulated("services of type " + serviceType);
        }
      }
      case "pods" -> checkPlacement(spec);
      case "deployments", "replicasets", "statefulsets" -> {
        checkPlacement(spec.path("template").path("spec"));
        if (!spec.path("volumeClaimTemplates").isEmpty()) {
          throw ApiFailure.notSimulated("volumeClaimTemplates of stateful sets");
        }
      }
      default -> {}
    }
  }

  private static void checkPlacement(JsonNode podSpec) {
    for (String field : List.of("affinity", "topologySpreadConstraints", "schedulingGates")) {
      if (!podSpec.path(field).isEmpty()) {
        throw ApiFailure.notSimulated("the scheduling of pods with " + field);
      }
    }
    if (!podSpec.path("schedulerName").asText("default-scheduler").equals("default-scheduler")) {
      throw ApiFailure.notSimulated("other schedulers");
    }
  }

  /**
   * Refuses a new revision of a workload: the double has one and does not roll out another.
   *
   * @throws ApiFailure 501
   */
  static void checkSameRevision(ResourceType type, ApiObject before, ApiObject after) {
    boolean workload =
        type.equals(ResourceCatalogue.DEPLOYMENTS) || type.equals(ResourceCatalogue.STATEFUL_SETS);
    if (workload
        && !before
            .json()
            .path("spec")
            .path("template")
            .equals(after.json().path("spec").path("template"))) {
      throw ApiFailure.notSimulated(
          "the rollout of a changed pod template (" + type.plural() + " " + after.name() + ")");
    }
  }

  /** What the server allocated for an object stays with it, though an update leaves it out. */
  static void keepAllocated(ResourceType type, ApiObject before, ApiObject after) {
    if (type.equals(ResourceCatalogue.SERVICES)) {
      for (String field : List.of("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")) {
        if (!after.spec().has(field)) {
          after.spec().set(field, before.spec().path(field));
        }
      }
    }
  }

  private static void pod(ApiObject pod, Registry registry) {
    String given = pod.spec().path("serviceAccountName").asText();
    String account = given.isEmpty() ? "default" : given;
    pod.spec().put("serviceAccountName", account).put("serviceAccount", account);
    if (registry
            .store()
            .get(ObjectKey.of(ResourceCatalogue.SERVICE_ACCOUNTS, pod.namespace(), account))
        == null) {
      String generated = pod.json().path("metadata").path("generateName").asText(pod.name());
      throw ApiFailure.forbidden(
          ResourceCatalogue.PODS,
          generated,
          "error looking up service account "
              + pod.namespace()
              + "/"
              + account
              + ": serviceaccount \""
              + account
              + "\" not found",
          null);
    }
    ObjectNode status = pod.status();
    status.put("phase", "Pending");
    status.put("qosClass", qualityOfService(pod.spec().path("containers")));
  }

  private static String qualityOfService(JsonNode containers) {
    boolean any = false;
    boolean guaranteed = true;
    for (JsonNode container : containers) {
      JsonNode resources = container.path("resources");
      for (String resource : QUALITY_RESOURCES) {
        JsonNode limit = resources.path("limits").path(resource);
        JsonNode request = resources.path("requests").path(resource);
        any |= Stream.of(limit, request).anyMatch(n -> !n.isMissingNode());
        guaranteed &= !limit.isMissingNode() && (request.isMissingNode() || request.equals(limit));
      }
    }
    return any ? guaranteed ? "Guaranteed" : "Burstable" : "BestEffort";
  }

  private static void service(ApiObject service, Registry registry) {
    ObjectNode spec = service.spec();
    String given = spec.path("clusterIP").asText();
    if (!given.isEmpty() && !given.equals("None")) {
      throw ApiFailure.notSimulated("services with an address of their choice (" + given + ")");
    }
    String address = given.isEmpty() ? freeAddress(registry) : given;
    spec.put("clusterIP", address);
    spec.putArray("clusterIPs").add(address);
    spec.put("ipFamilyPolicy", "SingleStack").putArray("ipFamilies").add("IPv4");
    service.status().putObject("loadBalancer");
  }

  private static String freeAddress(Registry registry) {
    List<String> used =
        registry.store().list(ResourceCatalogue.SERVICES, "").objects().stream()
            .map(s -> s.json().path("spec").path("clusterIP").asText())
            .toList();
    for (int i = 1; i < 65_535; i++) {
      String address = "10.96." + (i >> 8) + "." + (i & 0xFF);
      if (!used.contains(address)) {
        return address;
      }
    }
    throw ApiFailure.internalError("failed to allocate a serviceIP: range is full");
  }
}
