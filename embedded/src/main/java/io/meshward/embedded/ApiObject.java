package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Kubernetes object as a JSON tree: a view over the tree, which a stored object's readers never
 * change.
 */
record ApiObject(ObjectNode json) {

  /** A reference to an owner. */
  record Owner(
      String apiVersion,
      String kind,
      String name,
      String uid,
      boolean controller,
      boolean blocksDeletion) {}

  ApiObject copy() {
    return new ApiObject(json.deepCopy());
  }

  ObjectNode metadata() {
    return json.path("metadata") instanceof ObjectNode metadata
        ? metadata
        : json.putObject("metadata");
  }

  ObjectNode spec() {
    return json.path("spec") instanceof ObjectNode spec ? spec : json.putObject("spec");
  }

  ObjectNode status() {
    return json.path("status") instanceof ObjectNode status ? status : json.putObject("status");
  }

  String name() {
    return text("name");
  }

  String namespace() {
    return text("namespace");
  }

  String uid() {
    return text("uid");
  }

  String resourceVersion() {
    return text("resourceVersion");
  }

  long generation() {
    return json.path("metadata").path("generation").asLong();
  }

  boolean isDeleting() {
    return json.path("metadata").has("deletionTimestamp");
  }

  Map<String, String> labels() {
    return strings(json.path("metadata").path("labels"));
  }

  Optional<String> annotation(String key) {
    JsonNode value = json.path("metadata").path("annotations").path(key);
    return value.isTextual() ? Optional.of(value.textValue()) : Optional.empty();
  }

  List<String> finalizers() {
    List<String> finalizers = new ArrayList<>();
    json.path("metadata").path("finalizers").forEach(f -> finalizers.add(f.asText()));
    return finalizers;
  }

  void setFinalizers(List<String> finalizers) {
    if (finalizers.isEmpty()) {
      metadata().remove("finalizers");
    } else {
      ArrayNode array = metadata().putArray("finalizers");
      finalizers.forEach(array::add);
    }
  }

  List<Owner> owners() {
    List<Owner> owners = new ArrayList<>();
    for (JsonNode owner : json.path("metadata").path("ownerReferences")) {
      owners.add(
          new Owner(
              owner.path("apiVersion").asText(),
              owner.path("kind").asText(),
              owner.path("name").asText(),
              owner.path("uid").asText(),
              owner.path("controller").asBoolean(),
              owner.path("blockOwnerDeletion").asBoolean()));
    }
    return owners;
  }

  void setOwners(List<Owner> owners) {
    if (owners.isEmpty()) {
      metadata().remove("ownerReferences");
      return;
    }
    ArrayNode array = metadata().putArray("ownerReferences");
    for (Owner owner : owners) {
      ObjectNode node = array.addObject();
      node.put("apiVersion", owner.apiVersion())
          .put("kind", owner.kind())
          .put("name", owner.name())
          .put("uid", owner.uid());
      if (owner.controller()) {
        node.put("controller", true);
      }
      if (owner.blocksDeletion()) {
        node.put("blockOwnerDeletion", true);
      }
    }
  }

  /** The owner that controls the object, of which there is at most one. */
  Optional<Owner> controller() {
    return owners().stream().filter(Owner::controller).findFirst();
  }

  boolean isControlledBy(ApiObject owner) {
    return controller().filter(o -> o.uid().equals(owner.uid())).isPresent();
  }

  /** The entries of a JSON object whose values are strings. */
  static Map<String, String> strings(JsonNode node) {
    Map<String, String> map = new LinkedHashMap<>();
    node.properties().forEach(e -> map.put(e.getKey(), e.getValue().asText()));
    return map;
  }

  static ApiObject empty() {
    return new ApiObject(JsonNodeFactory.instance.objectNode());
  }

  private String text(String field) {
    return json.path("metadata").path(field).asText("");
  }
}
