package io.meshward.embedded;

import io.meshward.embedded.SchemaType.Struct;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the API double serves, and what a real server serves besides: the first is simulated, the
 * second is answered 501, all else 404.
 */
final class ResourceCatalogue {

  private static final Map<String, Struct> STRUCTS = KubernetesSchema.load();

  static final ResourceType PODS =
      namespaced("", "pods", "Pod", List.of("po"), List.of("eviction"), "pods", true, true);
  static final ResourceType NAMESPACES = cluster("namespaces", "Namespace", List.of("ns"));
  static final ResourceType NODES = cluster("nodes", "Node", List.of("no"));
  static final ResourceType SERVICES =
      namespaced("", "services", "Service", List.of("svc"), List.of(), "services", false, true);
  static final ResourceType SERVICE_ACCOUNTS =
      namespaced(
          "",
          "serviceaccounts",
          "ServiceAccount",
          List.of("sa"),
          List.of(),
          "serviceaccounts",
          false,
          false);
  static final ResourceType CORE_EVENTS =
      namespaced("", "events", "Event", List.of("ev"), List.of(), "events", false, false);
  static final ResourceType EVENTS =
      namespaced(
          "events.k8s.io", "events", "Event", List.of("ev"), List.of(), "events", false, false);
  static final ResourceType DEPLOYMENTS =
      namespaced(
          "apps",
          "deployments",
          "Deployment",
          List.of("deploy"),
          List.of("scale"),
          "deployments",
          true,
          true);
  static final ResourceType REPLICA_SETS =
      namespaced(
          "apps",
          "replicasets",
          "ReplicaSet",
          List.of("rs"),
          List.of("scale"),
          "replicasets",
          true,
          true);
  static final ResourceType STATEFUL_SETS =
      namespaced(
          "apps",
          "statefulsets",
          "StatefulSet",
          List.of("sts"),
          List.of("scale"),
          "statefulsets",
          true,
          true);
  static final ResourceType NETWORK_POLICIES =
      namespaced(
          "networking.k8s.io",
          "networkpolicies",
          "NetworkPolicy",
          List.of("netpol"),
          List.of(),
          "networkpolicies",
          true,
          false);

  static final ResourceType AUTOSCALERS =
      namespaced(
          "autoscaling",
          "horizontalpodautoscalers",
          "HorizontalPodAutoscaler",
          List.of("hpa"),
          List.of(),
          "horizontalpodautoscalers",
          false,
          true);

  /** In the order of discovery. */
  static final List<ResourceType> ALL =
      List.of(
          CORE_EVENTS,
          NAMESPACES,
          NODES,
          PODS,
          SERVICE_ACCOUNTS,
          SERVICES,
          DEPLOYMENTS,
          REPLICA_SETS,
          STATEFUL_SETS,
          AUTOSCALERS,
          EVENTS,
          NETWORK_POLICIES);

  /** Resources of a real server that are not simulated, by group and version. */
  private static final Map<String, Set<String>> ELSEWHERE =
      Map.ofEntries(
          Map.entry(
              "v1",
              Set.of(
                  "bindings",
                  "componentstatuses",
                  "configmaps",
                  "endpoints",
                  "limitranges",
                  "persistentvolumeclaims",
                  "persistentvolumes",
                  "podtemplates",
                  "replicationcontrollers",
                  "resourcequotas",
                  "secrets")),
          Map.entry("apps/v1", Set.of("controllerrevisions", "daemonsets")),
          Map.entry(
              "networking.k8s.io/v1",
              Set.of("ingressclasses", "ingresses", "ipaddresses", "servicecidrs")),
          Map.entry("apiregistration.k8s.io/v1", Set.of("apiservices")),
          Map.entry("authentication.k8s.io/v1", Set.of("selfsubjectreviews", "tokenreviews")),
          Map.entry(
              "authorization.k8s.io/v1",
              Set.of(
                  "localsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews")),
          Map.entry("autoscaling/v2", Set.of("horizontalpodautoscalers")),
          Map.entry("batch/v1", Set.of("cronjobs", "jobs")),
          Map.entry("certificates.k8s.io/v1", Set.of("certificatesigningrequests")),
          Map.entry("policy/v1", Set.of("poddisruptionbudgets")),
          Map.entry(
              "rbac.authorization.k8s.io/v1",
              Set.of("clusterrolebindings", "clusterroles", "rolebindings", "roles")),
          Map.entry(
              "storage.k8s.io/v1",
              Set.of(
                  "csidrivers",
                  "csinodes",
                  "csistoragecapacities",
                  "storageclasses",
                  "volumeattachments",
                  "volumeattributesclasses")),
          Map.entry(
              "admissionregistration.k8s.io/v1",
              Set.of(
                  "mutatingadmissionpolicies",
                  "mutatingadmissionpolicybindings",
                  "mutatingwebhookconfigurations",
                  "validatingadmissionpolicies",
                  "validatingadmissionpolicybindings",
                  "validatingwebhookconfigurations")),
          Map.entry("apiextensions.k8s.io/v1", Set.of("customresourcedefinitions")),
          Map.entry("scheduling.k8s.io/v1", Set.of("priorityclasses")),
          Map.entry("coordination.k8s.io/v1", Set.of("leases")),
          Map.entry("node.k8s.io/v1", Set.of("runtimeclasses")),
          Map.entry("discovery.k8s.io/v1", Set.of("endpointslices")),
          Map.entry(
              "resource.k8s.io/v1",
              Set.of(
                  "deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")),
          Map.entry(
              "flowcontrol.apiserver.k8s.io/v1",
              Set.of("flowschemas", "prioritylevelconfigurations")));

  /** Subresources of the simulated kinds that a real server has and the double does not. */
  private static final Map<String, Set<String>> OTHER_SUBRESOURCES =
      Map.of(
          "pods",
              Set.of(
                  "attach",
                  "binding",
                  "ephemeralcontainers",
                  "exec",
                  "log",
                  "portforward",
                  "proxy",
                  "resize",
                  "status"),
          "namespaces", Set.of("finalize", "status"),
          "nodes", Set.of("proxy", "status"),
          "services", Set.of("proxy", "status"),
          "serviceaccounts", Set.of("token"),
          "deployments", Set.of("status"),
          "horizontalpodautoscalers", Set.of("status"),
          "replicasets", Set.of("status"),
          "statefulsets", Set.of("status"));

  private ResourceCatalogue() {}

  /** The schema's definition of that name. */
  static Struct struct(String name) {
    Struct struct = STRUCTS.get(name);
    if (struct == null) {
      throw new IllegalArgumentException("the schema does not define " + name);
    }
    return struct;
  }

  /** The simulated resource at that place, or null where the double or any server has none. */
  static @Nullable ResourceType find(String group, String version, String plural) {
    for (ResourceType type : ALL) {
      if (type.group().equals(group)
          && type.version().equals(version)
          && type.plural().equals(plural)) {
        return type;
      }
    }
    return null;
  }

  /** The simulated resource of that kind, or null. */
  static @Nullable ResourceType ofKind(String apiVersion, String kind) {
    for (ResourceType type : ALL) {
      if (type.apiVersion().equals(apiVersion) && type.kind().equals(kind)) {
        return type;
      }
    }
    return null;
  }

  /** A real server has the resource and the double has not. */
  static boolean existsElsewhere(String group, String version, String plural) {
    return ELSEWHERE
        .getOrDefault(group.isEmpty() ? version : group + "/" + version, Set.of())
        .contains(plural);
  }

  /** A real server has the group and the double has none of its resources. */
  static boolean groupExistsElsewhere(String group) {
    return ELSEWHERE.keySet().stream().anyMatch(gv -> gv.startsWith(group + "/"));
  }

  /** A real server has that version of the group. */
  static boolean versionExistsElsewhere(String group, String version) {
    return ELSEWHERE.containsKey(group + "/" + version);
  }

  /** A real server has the subresource and the double has not. */
  static boolean subresourceExistsElsewhere(ResourceType type, String subresource) {
    return OTHER_SUBRESOURCES.getOrDefault(type.plural(), Set.of()).contains(subresource);
  }

  private static ResourceType cluster(String plural, String kind, List<String> shortNames) {
    return new ResourceType(
        "",
        "v1",
        plural,
        singular(kind),
        kind,
        false,
        shortNames,
        List.of(),
        plural,
        false,
        true,
        struct(kind));
  }

  private static ResourceType namespaced(
      String group,
      String plural,
      String kind,
      List<String> shortNames,
      List<String> subresources,
      String storage,
      boolean generated,
      boolean statusSeparate) {
    Struct struct = struct(group.startsWith("events") ? "events.Event" : kind);
    return new ResourceType(
        group,
        "v1",
        plural,
        singular(kind),
        kind,
        true,
        shortNames,
        subresources,
        storage,
        generated,
        statusSeparate,
        struct);
  }

  private static String singular(String kind) {
    return kind.toLowerCase(java.util.Locale.ROOT);
  }
}
