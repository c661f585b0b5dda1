package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;

/** The discovery documents: exactly what is simulated. */
final class Discovery {

  private static final List<String> VERBS =
      List.of("create", "delete", "get", "list", "patch", "update", "watch");

  private Discovery() {}

  static ObjectNode version() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("major", "1")
        .put("minor", "36")
        .put("gitVersion", "v1.36.0+meshward-embedded")
        .put("gitCommit", "")
        .put("gitTreeState", "");
    return node.put("buildDate", "1970-01-01T00:00:00Z")
        .put("goVersion", "")
        .put("compiler", "")
        .put("platform", "java");
  }

  static ObjectNode coreVersions() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("kind", "APIVersions").putArray("versions").add("v1");
    node.putArray("serverAddressByClientCIDRs");
    return node;
  }

  static ObjectNode groups() {
    NavigableSet<String> names = new TreeSet<>();
    ResourceCatalogue.ALL.stream()
        .map(ResourceType::group)
        .filter(g -> !g.isEmpty())
        .forEach(names::add);
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    ArrayNode groups = node.put("kind", "APIGroupList").put("apiVersion", "v1").putArray("groups");
    names.forEach(name -> describe(groups.addObject(), name));
    return node;
  }

  /** One group that the double serves. */
  static ObjectNode group(String name) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    describe(node.put("kind", "APIGroup").put("apiVersion", "v1"), name);
    return node;
  }

  private static void describe(ObjectNode node, String name) {
    node.put("name", name)
        .putArray("versions")
        .addObject()
        .put("groupVersion", name + "/v1")
        .put("version", "v1");
    node.putObject("preferredVersion").put("groupVersion", name + "/v1").put("version", "v1");
  }

  static boolean serves(String group) {
    return ResourceCatalogue.ALL.stream().anyMatch(t -> t.group().equals(group));
  }

  static ObjectNode resources(String group) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("kind", "APIResourceList");
    if (!group.isEmpty()) {
      node.put("apiVersion", "v1");
    }
    node.put("groupVersion", group.isEmpty() ? "v1" : group + "/v1");
    ArrayNode resources = node.putArray("resources");
    for (ResourceType type : ResourceCatalogue.ALL) {
      if (type.group().equals(group)) {
        ObjectNode resource = resources.addObject();
        resource
            .put("name", type.plural())
            .put("singularName", type.singular())
            .put("namespaced", type.namespaced())
            .put("kind", type.kind());
        addAll(resource.putArray("verbs"), VERBS);
        addAll(resource.putArray("shortNames"), type.shortNames());
        type.subresources().forEach(s -> subresource(resources.addObject(), type, s));
      }
    }
    return node;
  }

  private static void subresource(ObjectNode node, ResourceType type, String name) {
    boolean eviction = name.equals("eviction");
    node.put("name", type.plural() + "/" + name)
        .put("singularName", "")
        .put("namespaced", type.namespaced());
    node.put("group", eviction ? "policy" : "autoscaling")
        .put("version", "v1")
        .put("kind", eviction ? "Eviction" : "Scale");
    addAll(
        node.putArray("verbs"), eviction ? List.of("create") : List.of("get", "patch", "update"));
  }

  private static void addAll(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }
}
