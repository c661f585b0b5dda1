package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The server's checks of a whole object, as far as the double has them: names, labels, owners, pod
 * templates, policies, immutable fields.
 */
final class Validation {

  private static final int MAX_ANNOTATIONS = 256 * 1024;

  private static final List<String> STANDARD_FINALIZERS =
      List.of("kubernetes", "orphan", "foregroundDeletion");

  private static final List<String> RESTART_POLICIES = List.of("Always", "OnFailure", "Never");

  private static final List<String> MUTABLE_IN_STATEFUL_SETS =
      List.of(
          "replicas",
          "ordinals",
          "template",
          "updateStrategy",
          "revisionHistoryLimit",
          "persistentVolumeClaimRetentionPolicy",
          "minReadySeconds");

  private static final List<String> IMMUTABLE_METADATA =
      List.of("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds");

  private final FieldErrors errors = new FieldErrors();

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
    validation.errors.report(type, object);
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
    validation.errors.report(type, after);
  }

  private void name(ResourceType type, ApiObject object) {
    String name = object.name();
    if (name.isEmpty()) {
      errors.required("metadata.name", "name or generateName is required");
      return;
    }
    String generated = object.json().path("metadata").path("generateName").asText("");
    if (!generated.isEmpty()) {
      String prefix =
          generated.substring(0, generated.length() - (generated.endsWith("-") ? 1 : 0));
      nameFault(type, prefix)
          .ifPresent(why -> errors.invalidText("metadata.generateName", generated, why));
    }
    nameFault(type, name).ifPresent(why -> errors.invalidText("metadata.name", name, why));
  }

  private static Optional<String> nameFault(ResourceType type, String name) {
    return switch (type.plural()) {
      case "namespaces" -> Names.labelFault(name);
      case "services" ->
          name.contains(".") ? Optional.of("must not contain dots") : Names.labelFault(name);
      default -> Names.subdomainFault(name);
    };
  }

  private void metadata(ApiObject object) {
    JsonNode metadata = object.json().path("metadata");
    errors.labels(metadata.path("labels"), "metadata.labels");
    long size = 0;
    for (var annotation : metadata.path("annotations").properties()) {
      String key = annotation.getKey();
      Names.labelKeyFault(key.toLowerCase(Locale.ROOT))
          .ifPresent(why -> errors.invalidText("metadata.annotations", key, why));
      size += key.length() + annotation.getValue().asText().length();
    }
    if (size > MAX_ANNOTATIONS) {
      errors.tooLong("metadata.annotations", "may not be more than " + MAX_ANNOTATIONS + " bytes");
    }
    owners(object);
    List<String> finalizers = object.finalizers();
    for (int i = 0; i < finalizers.size(); i++) {
      String finalizer = finalizers.get(i);
      if (!finalizer.contains("/") && !STANDARD_FINALIZERS.contains(finalizer)) {
        errors.invalidText(
            "metadata.finalizers[" + i + "]",
            finalizer,
            "name is neither a standard finalizer name nor is it fully qualified");
      }
    }
  }

  private void owners(ApiObject object) {
    List<ApiObject.Owner> owners = object.owners();
    for (ApiObject.Owner owner : owners) {
      if (owner.uid().isEmpty()) {
        errors.invalidText("metadata.ownerReferences.uid", "", "must not be empty");
      }
    }
    List<String> controllers =
        owners.stream()
            .filter(ApiObject.Owner::controller)
            .map(o -> o.kind() + "/" + o.name())
            .toList();
    if (controllers.size() > 1) {
      errors.invalid(
          "metadata.ownerReferences",
          object.json().path("metadata").path("ownerReferences").toString(),
          "Only one reference can have Controller set to true. Found \"true\" in references for "
              + controllers.get(0)
              + " and "
              + controllers.get(1));
    }
  }

  private void immutableMetadata(ApiObject before, ApiObject after) {
    for (String field : IMMUTABLE_METADATA) {
      JsonNode value = after.json().path("metadata").path(field);
      if (!value.equals(before.json().path("metadata").path(field))) {
        errors.invalid("metadata." + field, value.toString(), "field is immutable");
      }
    }
    List<String> added = new ArrayList<>(after.finalizers());
    added.removeAll(before.finalizers());
    if (before.isDeleting() && !added.isEmpty()) {
      String names = String.join(", ", added.stream().map(FieldErrors::quote).toList());
      errors.forbidden(
          "metadata.finalizers",
          "no new finalizers can be added if the object is being deleted, found new finalizers"
              + " []string{"
              + names
              + "}");
    }
  }

  private void content(ResourceType type, ApiObject object) {
    JsonNode spec = object.json().path("spec");
    switch (type.plural()) {
      case "deployments", "replicasets" -> workload(type, spec);
      case "statefulsets" -> {
        statefulSet(spec);
        workload(type, spec);
      }
      case "pods" -> {
        podSpec(spec, "spec");
        String restart = spec.path("restartPolicy").asText();
        if (!RESTART_POLICIES.contains(restart)) {
          errors.unsupported("spec.restartPolicy", restart, RESTART_POLICIES);
        }
      }
      case "networkpolicies" -> new NetworkPolicyValidation(errors).check(spec);
      case "services" -> new ServiceValidation(errors).check(spec);
      case "horizontalpodautoscalers" -> autoscaler(spec);
      case "events" ->
          new EventValidation(errors).check(type, EventVersions.toStored(type, object));
      default -> {}
    }
  }

  private void autoscaler(JsonNode spec) {
    JsonNode target = spec.path("scaleTargetRef");
    if (target.path("kind").asText().isEmpty()) {
      errors.required("spec.scaleTargetRef.kind", "");
    }
    if (target.path("name").asText().isEmpty()) {
      errors.required("spec.scaleTargetRef.name", "");
    }
    if (target.path("apiVersion").asText().isEmpty()) {
      errors.invalidText("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group");
    }
    long least = spec.path("minReplicas").asLong();
    long most = spec.path("maxReplicas").asLong();
    if (least < 1) {
      errors.invalid(
          "spec.minReplicas", Long.toString(least), "must be greater than or equal to 1");
    }
    if (most < 1) {
      errors.invalid("spec.maxReplicas", Long.toString(most), "must be greater than 0");
    }
    if (most < least) {
      errors.invalid(
          "spec.maxReplicas",
          Long.toString(most),
          "must be greater than or equal to `minReplicas`");
    }
    if (least == 0) {
      errors.forbidden(
          "spec.metrics",
          "must specify at least one Object or External metric to support scaling to zero"
              + " replicas");
    }
  }

  private void statefulSet(JsonNode spec) {
    String policy = spec.path("podManagementPolicy").asText();
    if (!policy.equals("OrderedReady") && !policy.equals("Parallel")) {
      errors.invalidText(
          "spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
    }
    String strategy = spec.path("updateStrategy").path("type").asText();
    if (!strategy.equals("RollingUpdate") && !strategy.equals("OnDelete")) {
      errors.invalid(
          "spec.updateStrategy",
          spec.path("updateStrategy").toString(),
          "must be 'RollingUpdate' or 'OnDelete'");
    }
  }

  private void workload(ResourceType type, JsonNode spec) {
    errors.nonNegative(spec, "replicas", "spec.replicas");
    JsonNode selector = spec.path("selector");
    JsonNode template = spec.path("template");
    JsonNode labels = template.path("metadata").path("labels");
    boolean matches = false;
    if (selector.isMissingNode()) {
      errors.required("spec.selector", "");
    } else {
      int faults = errors.count();
      errors.labelSelector(selector, "spec.selector");
      if (faults < errors.count()) {
        errors.invalid("spec.selector", selector.toString(), "invalid label selector");
        return;
      }
      if (selector.isEmpty()) {
        String kind = type.kind().equals("StatefulSet") ? "statefulset" : "deployment";
        errors.invalid(
            "spec.selector", selector.toString(), "empty selector is invalid for " + kind);
      }
      matches = selector.isEmpty() || LabelSelector.of(selector).matches(ApiObject.strings(labels));
    }
    if (!matches) {
      errors.invalid(
          "spec.template.metadata.labels",
          labels.isMissingNode() ? "null" : FieldErrors.sorted(labels),
          "`selector` does not match template `labels`");
    }
    errors.labels(labels, "spec.template.metadata.labels");
    podSpec(template.path("spec"), "spec.template.spec");
    String restart = template.path("spec").path("restartPolicy").asText();
    if (!restart.equals("Always")) {
      errors.unsupported("spec.template.spec.restartPolicy", restart, List.of("Always"));
    }
  }

  private void podSpec(JsonNode spec, String path) {
    JsonNode containers = spec.path("containers");
    if (containers.isEmpty()) {
      errors.required(path + ".containers", "");
    }
    for (int i = 0; i < containers.size(); i++) {
      String at = path + ".containers[" + i + "]";
      String name = containers.get(i).path("name").asText();
      if (name.isEmpty()) {
        errors.required(at + ".name", "");
      } else {
        Names.labelFault(name).ifPresent(why -> errors.invalidText(at + ".name", name, why));
      }
      if (containers.get(i).path("image").asText().isEmpty()) {
        errors.required(at + ".image", "");
      }
    }
  }

  private void immutableContent(ResourceType type, ApiObject before, ApiObject after) {
    JsonNode old = before.json().path("spec");
    JsonNode spec = after.json().path("spec");
    switch (type.plural()) {
      case "services" -> new ServiceValidation(errors).checkUpdate(old, spec);
      case "events" ->
          new EventValidation(errors)
              .checkUpdate(
                  type, EventVersions.toStored(type, before), EventVersions.toStored(type, after));
      case "deployments", "replicasets" -> {
        if (!old.path("selector").equals(spec.path("selector"))) {
          errors.invalid("spec.selector", spec.path("selector").toString(), "field is immutable");
        }
      }
      case "statefulsets" -> {
        if (!without(old, MUTABLE_IN_STATEFUL_SETS)
            .equals(without(spec, MUTABLE_IN_STATEFUL_SETS))) {
          errors.forbidden(
              "spec",
              "updates to statefulset spec for fields other than 'replicas', 'ordinals',"
                  + " 'template', 'updateStrategy', 'revisionHistoryLimit',"
                  + " 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
        }
      }
      case "pods" -> {
        if (!withoutMutable(old).equals(withoutMutable(spec))) {
          errors.forbidden(
              "spec",
              "pod updates may not change fields other than"
                  + " `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`"
                  + " (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
                  + " (allow it to be set to 1 if it was previously negative)");
        }
      }
      default -> {}
    }
  }

  private static JsonNode without(JsonNode spec, List<String> fields) {
    return ((ObjectNode) spec.deepCopy()).remove(fields);
  }

  private static JsonNode withoutMutable(JsonNode podSpec) {
    JsonNode copy = without(podSpec, List.of("activeDeadlineSeconds", "tolerations"));
    for (String list : List.of("containers", "initContainers")) {
      for (JsonNode container : copy.path(list)) {
        ((ObjectNode) container).remove("image");
      }
    }
    return copy;
  }
}
