package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** The values that the server fills in where a client gives none. */
final class Defaults {

  private Defaults() {}

  /** Completes an object in place. */
  static void apply(ResourceType type, ApiObject object) {
    switch (type.plural()) {
      case "pods" -> {
        podSpec(object.spec());
        setIfAbsent(object.spec(), "enableServiceLinks", true);
      }
      case "deployments" -> deployment(object.spec());
      case "replicasets" -> {
        setIfAbsent(object.spec(), "replicas", 1);
        podTemplate(object.spec());
      }
      case "statefulsets" -> statefulSet(object.spec());
      case "networkpolicies" -> networkPolicy(object.spec());
      case "namespaces" -> namespace(object);
      case "services" -> service(object.spec());
      case "horizontalpodautoscalers" -> setIfAbsent(object.spec(), "minReplicas", 1);
      default -> {}
    }
  }

  private static void deployment(ObjectNode spec) {
    setIfAbsent(spec, "replicas", 1);
    setIfAbsent(spec, "revisionHistoryLimit", 10);
    setIfAbsent(spec, "progressDeadlineSeconds", 600);
    ObjectNode strategy = object(spec, "strategy");
    setIfAbsent(strategy, "type", "RollingUpdate");
    if (strategy.get("type").asText().equals("RollingUpdate")) {
      ObjectNode rolling = object(strategy, "rollingUpdate");
      setIfAbsent(rolling, "maxUnavailable", "25%");
      setIfAbsent(rolling, "maxSurge", "25%");
    }
    podTemplate(spec);
  }

  private static void statefulSet(ObjectNode spec) {
    setIfAbsent(spec, "replicas", 1);
    setIfAbsent(spec, "podManagementPolicy", "OrderedReady");
    setIfAbsent(spec, "revisionHistoryLimit", 10);
    ObjectNode strategy = object(spec, "updateStrategy");
    setIfAbsent(strategy, "type", "RollingUpdate");
    if (strategy.get("type").asText().equals("RollingUpdate")) {
      setIfAbsent(object(strategy, "rollingUpdate"), "partition", 0);
    }
    ObjectNode retention = object(spec, "persistentVolumeClaimRetentionPolicy");
    setIfAbsent(retention, "whenDeleted", "Retain");
    setIfAbsent(retention, "whenScaled", "Retain");
    podTemplate(spec);
  }

  private static void podTemplate(ObjectNode spec) {
    if (spec.path("template").path("spec") instanceof ObjectNode podSpec) {
      podSpec(podSpec);
    }
  }

  private static void podSpec(ObjectNode spec) {
    setIfAbsent(spec, "restartPolicy", "Always");
    setIfAbsent(spec, "dnsPolicy", "ClusterFirst");
    setIfAbsent(spec, "terminationGracePeriodSeconds", 30);
    setIfAbsent(spec, "schedulerName", "default-scheduler");
    object(spec, "securityContext");
    if (spec.has("serviceAccountName")) {
      spec.put("serviceAccount", spec.get("serviceAccountName").asText());
    }
    for (String list : List.of("initContainers", "containers")) {
      for (JsonNode container : spec.path(list)) {
        container((ObjectNode) container);
      }
    }
  }

  private static void container(ObjectNode container) {
    setIfAbsent(container, "terminationMessagePath", "/dev/termination-log");
    setIfAbsent(container, "terminationMessagePolicy", "File");
    String image = container.path("image").asText();
    String tag = image.substring(image.lastIndexOf('/') + 1);
    boolean latest = !image.contains("@") && (!tag.contains(":") || tag.endsWith(":latest"));
    setIfAbsent(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
    for (JsonNode port : container.path("ports")) {
      setIfAbsent((ObjectNode) port, "protocol", "TCP");
    }
    for (JsonNode variable : container.path("env")) {
      if (variable.path("valueFrom").path("fieldRef") instanceof ObjectNode reference) {
        setIfAbsent(reference, "apiVersion", "v1");
      }
    }
    for (String probe : List.of("livenessProbe", "readinessProbe", "startupProbe")) {
      if (container.path(probe) instanceof ObjectNode node) {
        setIfAbsent(node, "timeoutSeconds", 1);
        setIfAbsent(node, "periodSeconds", 10);
        setIfAbsent(node, "successThreshold", 1);
        setIfAbsent(node, "failureThreshold", 3);
        if (node.path("httpGet") instanceof ObjectNode get) {
          setIfAbsent(get, "path", "/");
          setIfAbsent(get, "scheme", "HTTP");
        }
      }
    }
  }

  private static void networkPolicy(ObjectNode spec) {
    if (spec.path("policyTypes").isEmpty()) {
      ArrayNode types = spec.putArray("policyTypes").add("Ingress");
      if (spec.has("egress")) {
        types.add("Egress");
      }
    }
    for (String direction : List.of("ingress", "egress")) {
      for (JsonNode rule : spec.path(direction)) {
        for (JsonNode port : rule.path("ports")) {
          setIfAbsent((ObjectNode) port, "protocol", "TCP");
        }
      }
    }
  }

  private static void namespace(ApiObject namespace) {
    ObjectNode labels = object(namespace.metadata(), "labels");
    labels.put("kubernetes.io/metadata.name", namespace.name());
  }

  private static void service(ObjectNode spec) {
    setIfAbsent(spec, "type", "ClusterIP");
    setIfAbsent(spec, "sessionAffinity", "None");
    for (JsonNode port : spec.path("ports")) {
      setIfAbsent((ObjectNode) port, "protocol", "TCP");
      if (!port.has("targetPort")) {
        ((ObjectNode) port).set("targetPort", port.path("port"));
      }
    }
    setIfAbsent(spec, "internalTrafficPolicy", "Cluster");
  }

  private static ObjectNode object(ObjectNode parent, String field) {
    return parent.path(field) instanceof ObjectNode node ? node : parent.putObject(field);
  }

  private static void setIfAbsent(ObjectNode node, String field, String value) {
    if (node.path(field).asText("").isEmpty()) {
      node.put(field, value);
    }
  }

  private static void setIfAbsent(ObjectNode node, String field, long value) {
    if (!node.has(field)) {
      node.put(field, value);
    }
  }

  private static void setIfAbsent(ObjectNode node, String field, boolean value) {
    if (!node.has(field)) {
      node.put(field, value);
    }
  }
}
