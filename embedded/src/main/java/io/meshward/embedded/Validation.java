package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The server's checks of a whole object, as far as the double has them: names, labels, selectors,
 * pod templates, policies, immutable fields.
 */
final class Validation {

  private static final Pattern CIDR =
      Pattern.compile("(\\d{1,3}\\.){3}\\d{1,3}/\\d{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/\\d{1,3}");

  private static final List<String> STANDARD_FINALIZERS =
      List.of("kubernetes", "orphan", "foregroundDeletion");

  private final List<Cause> causes = new ArrayList<>();

  private Validation() {}

  /**
   * Checks a new object.
   *
   * @throws ApiFailure 422 with every cause
   */
  static void ofNew(ResourceType type, ApiObject object) {
    Validation validation = new Validation();
    validation.name(type, object);
    validation.metadata(object);
    validation.content(type, object);
    validation.report(type, object);
  }

  /**
   * Checks an object against the one that it replaces.
   *
   * @throws ApiFailure 422 with every cause
   */
  static void ofUpdate(ResourceType type, ApiObject before, ApiObject after) {
    Validation validation = new Validation();
    validation.immutableMetadata(before, after);
    validation.metadata(after);
    validation.content(type, after);
    validation.immutableContent(type, before, after);
    validation.report(type, after);
  }

  private void report(ResourceType type, ApiObject object) {
    if (!causes.isEmpty()) {
      throw ApiFailure.invalid(type.group(), type.kind(), object.name(), causes);
    }
  }

  private void name(ResourceType type, ApiObject object) {
    String name = object.name();
    if (name.isEmpty()) {
      causes.add(Cause.required("metadata.name", "name or generateName is required"));
      return;
    }
    String generated = object.json().path("metadata").path("generateName").asText("");
    if (!generated.isEmpty()) {
      String prefix =
          generated.substring(0, generated.length() - (generated.endsWith("-") ? 1 : 0));
      nameFault(type, prefix)
          .ifPresent(why -> invalid("metadata.generateName", quote(generated), why));
    }
    nameFault(type, name).ifPresent(why -> invalid("metadata.name", quote(name), why));
  }

  private static Optional<String> nameFault(ResourceType type, String name) {
    return switch (type.plural()) {
      case "namespaces", "services" -> Names.labelFault(name);
      default -> Names.subdomainFault(name);
    };
  }

  private void metadata(ApiObject object) {
    labels(object.json().path("metadata").path("labels"), "metadata.labels");
    JsonNode annotations = object.json().path("metadata").path("annotations");
    annotations
        .fieldNames()
        .forEachRemaining(
            key ->
                Names.labelKeyFault(key.toLowerCase(java.util.Locale.ROOT))
                    .ifPresent(why -> invalid("metadata.annotations", quote(key), why)));
    if (annotations.properties().stream()
            .mapToLong(e -> e.getKey().length() + e.getValue().asText().length())
            .sum()
        > 256 * 1024) {
      causes.add(Cause.tooLong("metadata.annotations", "may not be more than 262144 bytes"));
    }
    owners(object);
    int index = 0;
    for (String finalizer : object.finalizers()) {
      String at = "metadata.finalizers[" + index++ + "]";
      if (!finalizer.contains("/") && !STANDARD_FINALIZERS.contains(finalizer)) {
        invalid(
            at,
            quote(finalizer),
            "name is neither a standard finalizer name nor is it fully qualified");
      }
    }
  }

  private void owners(ApiObject object) {
    List<ApiObject.Owner> owners = object.owners();
    for (ApiObject.Owner owner : owners) {
      if (owner.uid().isEmpty()) {
        causes.add(Cause.invalid("metadata.ownerReferences.uid", "\"\"", "must not be empty"));
      }
    }
    List<String> controllers =
        owners.stream()
            .filter(ApiObject.Owner::controller)
            .map(o -> o.kind() + "/" + o.name())
            .toList();
    if (controllers.size() > 1) {
      invalid(
          "metadata.ownerReferences",
          object.json().path("metadata").path("ownerReferences").toString(),
          "Only one reference can have Controller set to true. Found \"true\" in references for "
              + controllers.get(0)
              + " and "
              + controllers.get(1));
    }
  }

  private void immutableMetadata(ApiObject before, ApiObject after) {
    if (!after.uid().equals(before.uid())) {
      invalid("metadata.uid", quote(after.uid()), "field is immutable");
    }
  }

  private void content(ResourceType type, ApiObject object) {
    JsonNode spec = object.json().path("spec");
    switch (type.plural()) {
      case "deployments", "replicasets", "statefulsets" -> workload(type, spec);
      case "pods" -> podSpec(spec, "spec");
      case "networkpolicies" -> networkPolicy(spec);
      case "services" -> service(spec);
      default -> {}
    }
  }

  private void workload(ResourceType type, JsonNode spec) {
    nonNegative(spec, "replicas", "spec.replicas");
    JsonNode selector = spec.path("selector");
    JsonNode template = spec.path("template");
    JsonNode labels = template.path("metadata").path("labels");
    boolean matches = false;
    if (selector.isMissingNode()) {
      causes.add(Cause.required("spec.selector", ""));
    } else {
      int faults = causes.size();
      labelSelector(selector, "spec.selector");
      if (faults < causes.size()) {
        invalid("spec.selector", selector.toString(), "invalid label selector");
        return;
      }
      boolean empty = selector.isEmpty();
      if (empty) {
        String kind = type.kind().equals("StatefulSet") ? "statefulset" : "deployment";
        invalid("spec.selector", selector.toString(), "empty selector is invalid for " + kind);
      }
      matches = empty || LabelSelector.of(selector).matches(ApiObject.strings(labels));
    }
    if (!matches) {
      invalid(
          "spec.template.metadata.labels",
          labels.isMissingNode() ? "null" : sorted(labels),
          "`selector` does not match template `labels`");
    }
    labels(labels, "spec.template.metadata.labels");
    podSpec(template.path("spec"), "spec.template.spec");
    String restart = template.path("spec").path("restartPolicy").asText();
    if (!restart.equals("Always")) {
      causes.add(
          Cause.unsupported("spec.template.spec.restartPolicy", quote(restart), List.of("Always")));
    }
  }

  private void podSpec(JsonNode spec, String path) {
    JsonNode containers = spec.path("containers");
    if (containers.isEmpty()) {
      causes.add(Cause.required(path + ".containers", ""));
    }
    int index = 0;
    for (JsonNode container : containers) {
      String at = path + ".containers[" + index++ + "]";
      String name = container.path("name").asText();
      if (name.isEmpty()) {
        causes.add(Cause.required(at + ".name", ""));
      } else {
        Names.labelFault(name).ifPresent(why -> invalid(at + ".name", quote(name), why));
      }
      if (container.path("image").asText().isEmpty()) {
        causes.add(Cause.required(at + ".image", ""));
      }
    }
  }

  private void networkPolicy(JsonNode spec) {
    labelSelector(spec.path("podSelector"), "spec.podSelector");
    rules(spec.path("ingress"), "spec.ingress", "from");
    rules(spec.path("egress"), "spec.egress", "to");
    int index = 0;
    for (JsonNode policyType : spec.path("policyTypes")) {
      if (!List.of("Ingress", "Egress").contains(policyType.asText())) {
        causes.add(
            Cause.unsupported(
                "spec.policyTypes[" + index + "]",
                quote(policyType.asText()),
                List.of("Ingress", "Egress")));
      }
      index++;
    }
  }

  private void rules(JsonNode rules, String path, String side) {
    int rule = 0;
    for (JsonNode node : rules) {
      String at = path + "[" + rule++ + "]";
      int peer = 0;
      for (JsonNode target : node.path(side)) {
        peer(target, at + "." + side + "[" + peer++ + "]");
      }
    }
  }

  private void peer(JsonNode peer, String path) {
    if (peer.isEmpty()) {
      causes.add(Cause.required(path, "must specify a peer"));
    }
    if (peer.has("podSelector")) {
      labelSelector(peer.get("podSelector"), path + ".podSelector");
    }
    if (peer.has("namespaceSelector")) {
      labelSelector(peer.get("namespaceSelector"), path + ".namespaceSelector");
    }
    if (peer.has("ipBlock")) {
      if (peer.size() > 1) {
        causes.add(Cause.forbidden(path, "may not specify both ipBlock and another peer"));
      }
      String cidr = peer.path("ipBlock").path("cidr").asText();
      if (cidr.isEmpty()) {
        causes.add(Cause.required(path + ".ipBlock.cidr", ""));
      } else if (!CIDR.matcher(cidr).matches()) {
        invalid(
            path + ".ipBlock.cidr",
            quote(cidr),
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
      }
    }
  }

  private void service(JsonNode spec) {
    if (spec.path("ports").isEmpty() && !spec.path("clusterIP").asText().equals("None")) {
      causes.add(Cause.required("spec.ports", ""));
    }
    int index = 0;
    for (JsonNode port : spec.path("ports")) {
      String at = "spec.ports[" + index++ + "]";
      long number = port.path("port").asLong();
      if (number < 1 || number > 65_535) {
        invalid(at + ".port", Long.toString(number), "must be between 1 and 65535, inclusive");
      }
      if (spec.path("ports").size() > 1 && port.path("name").asText().isEmpty()) {
        causes.add(Cause.required(at + ".name", ""));
      }
    }
  }

  private void immutableContent(ResourceType type, ApiObject before, ApiObject after) {
    JsonNode old = before.json().path("spec");
    JsonNode spec = after.json().path("spec");
    switch (type.plural()) {
      case "deployments", "replicasets" -> {
        if (!old.path("selector").equals(spec.path("selector"))) {
          invalid("spec.selector", spec.path("selector").toString(), "field is immutable");
        }
      }
      case "statefulsets" -> {
        if (!without(old, STATEFUL_SET_MUTABLE).equals(without(spec, STATEFUL_SET_MUTABLE))) {
          causes.add(
              Cause.forbidden(
                  "spec",
                  "updates to statefulset spec for fields other than 'replicas', 'ordinals',"
                      + " 'template', 'updateStrategy', 'revisionHistoryLimit',"
                      + " 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are"
                      + " forbidden"));
        }
      }
      case "pods" -> {
        if (!podSpecWithoutMutable(old).equals(podSpecWithoutMutable(spec))) {
          causes.add(
              Cause.forbidden(
                  "spec",
                  "pod updates may not change fields other than"
                      + " `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`"
                      + " (only additions to existing"
                      + " tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to"
                      + " 1 if it was previously negative)"));
        }
      }
      default -> {}
    }
  }

  private static final List<String> STATEFUL_SET_MUTABLE =
      List.of(
          "replicas",
          "ordinals",
          "template",
          "updateStrategy",
          "revisionHistoryLimit",
          "persistentVolumeClaimRetentionPolicy",
          "minReadySeconds");

  private static JsonNode without(JsonNode spec, List<String> fields) {
    return ((ObjectNode) spec.deepCopy()).remove(fields);
  }

  private static JsonNode podSpecWithoutMutable(JsonNode spec) {
    JsonNode copy = without(spec, List.of("activeDeadlineSeconds", "tolerations"));
    for (String list : List.of("containers", "initContainers")) {
      for (JsonNode container : copy.path(list)) {
        ((ObjectNode) container).remove("image");
      }
    }
    return copy;
  }

  private void labelSelector(JsonNode selector, String path) {
    labels(selector.path("matchLabels"), path + ".matchLabels");
    int index = 0;
    for (JsonNode expression : selector.path("matchExpressions")) {
      String at = path + ".matchExpressions[" + index++ + "]";
      String operator = expression.path("operator").asText();
      boolean empty = expression.path("values").isEmpty();
      switch (operator) {
        case "In", "NotIn" -> {
          if (empty) {
            causes.add(
                Cause.required(
                    at + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
          }
        }
        case "Exists", "DoesNotExist" -> {
          if (!empty) {
            causes.add(
                Cause.forbidden(
                    at + ".values",
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
          }
        }
        default ->
            causes.add(
                Cause.invalid(at + ".operator", quote(operator), "not a valid selector operator"));
      }
      String key = expression.path("key").asText();
      Names.labelKeyFault(key).ifPresent(why -> invalid(at + ".key", quote(key), why));
    }
  }

  private void labels(JsonNode labels, String path) {
    Map<String, String> sorted = new TreeMap<>(ApiObject.strings(labels));
    sorted.forEach(
        (key, value) -> {
          Names.labelKeyFault(key).ifPresent(why -> invalid(path, quote(key), why));
          Names.labelValueFault(value).ifPresent(why -> invalid(path, quote(value), why));
        });
  }

  private void nonNegative(JsonNode spec, String field, String path) {
    long value = spec.path(field).asLong();
    if (value < 0) {
      invalid(path, Long.toString(value), "must be greater than or equal to 0");
    }
  }

  private void invalid(String field, String value, String why) {
    causes.add(Cause.invalid(field, value, why));
  }

  private static String quote(String text) {
    return '"' + text + '"';
  }

  /** A map as Go prints it, with its keys in order. */
  private static String sorted(JsonNode map) {
    ObjectNode ordered = JsonNodeFactory.instance.objectNode();
    new TreeMap<>(ApiObject.strings(map)).forEach(ordered::put);
    return ordered.toString();
  }
}
