package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.SchemaType.Struct;
import io.meshward.embedded.TypedFields.Comparison;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who owns which field of an object: {@code metadata.managedFields}, and server-side apply over it.
 * Immutable; changes answer a new value.
 */
final class ManagedFields {

  /** One writer, as ownership tells writers apart. */
  record Manager(String name, Operation operation, String apiVersion, String subresource) {

    enum Operation {
      APPLY("Apply"),
      UPDATE("Update");

      private final String text;

      Operation(String text) {
        this.text = text;
      }

      static Operation of(String text) {
        return text.equals("Apply") ? APPLY : UPDATE;
      }
    }
  }

  /** What a manager owns, and since when; an apply that changed nothing has no time. */
  private record Ownership(FieldSet fields, @Nullable String time) {}

  /** Fields that nobody owns. */
  private static final List<List<String>> UNOWNED =
      List.of(
          List.of("f:apiVersion"),
          List.of("f:kind"),
          List.of("f:metadata", "f:name"),
          List.of("f:metadata", "f:namespace"),
          List.of("f:metadata", "f:creationTimestamp"),
          List.of("f:metadata", "f:selfLink"),
          List.of("f:metadata", "f:uid"),
          List.of("f:metadata", "f:generation"),
          List.of("f:metadata", "f:managedFields"),
          List.of("f:metadata", "f:resourceVersion"));

  static final ManagedFields NONE = new ManagedFields(Map.of());

  private final Map<Manager, Ownership> owners;

  private ManagedFields(Map<Manager, Ownership> owners) {
    this.owners = owners;
  }

  /** One owner of all the fields of a set. */
  static ManagedFields ofApplied(Manager manager, FieldSet fields, boolean withStatus, String now) {
    FieldSet set = owned(fields, withStatus);
    return set.isEmpty() ? NONE : new ManagedFields(Map.of(manager, new Ownership(set, now)));
  }

  static ManagedFields of(ApiObject object) {
    Map<Manager, Ownership> owners = new LinkedHashMap<>();
    for (JsonNode entry : object.json().path("metadata").path("managedFields")) {
      Manager manager =
          new Manager(
              entry.path("manager").asText(),
              Manager.Operation.of(entry.path("operation").asText()),
              entry.path("apiVersion").asText(),
              entry.path("subresource").asText(""));
      owners.put(
          manager,
          new Ownership(
              FieldSet.fromJson(entry.path("fieldsV1")),
              entry.has("time") ? entry.get("time").asText() : null));
    }
    return new ManagedFields(owners);
  }

  /** Writes the ownership into an object. */
  void writeTo(ApiObject object) {
    if (owners.isEmpty()) {
      object.metadata().remove("managedFields");
      return;
    }
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    List<Map.Entry<Manager, Ownership>> sorted = new ArrayList<>(owners.entrySet());
    sorted.sort(
        Comparator.comparing((Map.Entry<Manager, Ownership> e) -> e.getKey().operation())
            .thenComparing(e -> e.getValue().time() == null ? "" : e.getValue().time())
            .thenComparing(e -> e.getKey().name())
            .thenComparing(e -> e.getKey().apiVersion())
            .thenComparing(e -> e.getKey().subresource()));
    for (Map.Entry<Manager, Ownership> owner : sorted) {
      Manager manager = owner.getKey();
      ObjectNode entry = array.addObject();
      entry
          .put("manager", manager.name())
          .put("operation", manager.operation().text)
          .put("apiVersion", manager.apiVersion());
      if (owner.getValue().time() != null) {
        entry.put("time", owner.getValue().time());
      }
      entry.put("fieldsType", "FieldsV1").set("fieldsV1", owner.getValue().fields().toJson());
      if (!manager.subresource().isEmpty()) {
        entry.put("subresource", manager.subresource());
      }
    }
    object.metadata().set("managedFields", array);
  }

  /** Nobody owns anything: the server tracks no owners of such an object, until one applies. */
  boolean isEmpty() {
    return owners.isEmpty();
  }

  /** The same owners of the same fields, whatever the times. */
  boolean sameOwnership(ManagedFields other) {
    return fieldsByManager().equals(other.fieldsByManager());
  }

  private Map<Manager, FieldSet> fieldsByManager() {
    Map<Manager, FieldSet> fields = new LinkedHashMap<>();
    owners.forEach((manager, ownership) -> fields.put(manager, ownership.fields()));
    return fields;
  }

  /** After a create or update: who changes a field owns it, nobody else does. */
  ManagedFields afterUpdate(
      ApiObject before,
      ApiObject after,
      Manager manager,
      Struct type,
      boolean withStatus,
      String now) {
    Comparison comparison = TypedFields.compare(before.json(), after.json(), type);
    FieldSet taken = owned(comparison.changed(), withStatus);
    Map<Manager, Ownership> result = new LinkedHashMap<>();
    owners.forEach(
        (other, ownership) -> {
          FieldSet left =
              ownership.fields().difference(comparison.changed()).difference(comparison.removed());
          if (!left.isEmpty()) {
            result.put(other, new Ownership(left, ownership.time()));
          }
        });
    if (!taken.isEmpty()) {
      Ownership previous = result.get(manager);
      result.put(
          manager, new Ownership(previous == null ? taken : previous.fields().union(taken), now));
    }
    return new ManagedFields(result);
  }

  /**
   * After a write through {@code scale}: the replica count leaves the entry that it was part of for
   * one of its own, without a time, even if the count is the same. (An entry of the same writer
   * that has other fields as well wins over it.) As a scale does not write a count of zero, nobody
   * owns that, and nobody owns a count that nobody owned before.
   *
   * @param changed the count is another
   * @param zero the count is now zero
   */
  ManagedFields afterScale(Manager manager, boolean changed, boolean zero) {
    FieldSet replicas = new FieldSet();
    replicas.child("f:spec").child("f:replicas").insert();
    List<Manager> before =
        owners.entrySet().stream()
            .filter(e -> !e.getValue().fields().intersection(replicas).isEmpty())
            .map(Map.Entry::getKey)
            .toList();
    List<Manager> holders = before;
    if (changed && !before.isEmpty()) {
      holders = zero ? List.of() : List.of(manager);
    }
    List<Manager> after = holders;
    Map<Manager, Ownership> result = new LinkedHashMap<>();
    owners.forEach(
        (other, ownership) -> {
          boolean kept = other.operation() == Manager.Operation.APPLY && after.contains(other);
          FieldSet left = kept ? ownership.fields() : ownership.fields().difference(replicas);
          if (!left.isEmpty()) {
            result.put(other, new Ownership(left, ownership.time()));
          }
        });
    after.forEach(holder -> result.putIfAbsent(holder, new Ownership(replicas, null)));
    return new ManagedFields(result);
  }

  /** What an apply leads to. */
  record Applied(ApiObject object, ManagedFields fields) {}

  /**
   * Server-side apply: merges, removes what the manager applied before and does not any more, and
   * takes ownership.
   *
   * @throws ApiFailure 409 with a cause per field, if another manager owns a field with another
   *     value and force is not asked
   */
  Applied apply(
      ApiObject live,
      ApplyConfiguration applied,
      Manager manager,
      Struct type,
      boolean withStatus,
      boolean force,
      String now) {
    ManagedFields first = withFirstOwner(live, manager.apiVersion(), type, withStatus, now);
    if (owners.isEmpty() && !first.isEmpty()) {
      return first.apply(live, applied, manager, type, withStatus, force, now);
    }
    FieldSet set = owned(applied.fields(), withStatus);
    FieldSet previous = owners.containsKey(manager) ? owners.get(manager).fields() : new FieldSet();
    FieldSet kept = set;
    for (Map.Entry<Manager, Ownership> owner : owners.entrySet()) {
      if (!owner.getKey().equals(manager)) {
        kept = kept.union(owner.getValue().fields());
      }
    }
    FieldSet dropped =
        TypedFields.withNamedParents(previous, type)
            .difference(TypedFields.withNamedParents(kept, type));
    JsonNode merged = TypedFields.merge(live.json(), applied.values(), type);
    JsonNode result = dropped.isEmpty() ? merged : TypedFields.remove(merged, dropped, type);
    ObjectNode left =
        result instanceof ObjectNode node ? node : JsonNodeFactory.instance.objectNode();
    Comparison comparison = TypedFields.compare(live.json(), left, type);
    ApiObject object = new ApiObject(ObjectDecoder.decode(left, type).object());
    FieldSet changed = owned(comparison.changed(), withStatus);
    if (!force) {
      checkConflicts(manager, changed);
    }
    Map<Manager, Ownership> owned = new LinkedHashMap<>();
    owners.forEach(
        (other, ownership) -> {
          FieldSet rest = ownership.fields().difference(changed).difference(comparison.removed());
          if (!other.equals(manager) && !rest.isEmpty()) {
            owned.put(other, new Ownership(rest, ownership.time()));
          }
        });
    if (!set.isEmpty()) {
      String since =
          comparison.isSame()
              ? owners.containsKey(manager) ? owners.get(manager).time() : null
              : now;
      owned.put(manager, new Ownership(set, since));
    }
    return new Applied(object, new ManagedFields(owned));
  }

  /**
   * Before the first apply to an object whose owners nobody tracked, one owner has all its fields.
   */
  private static ManagedFields withFirstOwner(
      ApiObject live, String apiVersion, Struct type, boolean withStatus, String now) {
    Manager first = new Manager("before-first-apply", Manager.Operation.UPDATE, apiVersion, "");
    JsonNode blank = ObjectDecoder.decode(JsonNodeFactory.instance.objectNode(), type).object();
    FieldSet fields = TypedFields.compare(blank, live.json(), type).added();
    return ofApplied(first, fields, withStatus, now);
  }

  private void checkConflicts(Manager manager, FieldSet changed) {
    Map<String, List<String>> conflicts = new TreeMap<>();
    owners.forEach(
        (other, ownership) -> {
          FieldSet common = ownership.fields().intersection(changed);
          if (!other.equals(manager) && !common.isEmpty()) {
            conflicts
                .computeIfAbsent(description(other), d -> new ArrayList<>())
                .addAll(common.paths());
          }
        });
    if (conflicts.isEmpty()) {
      return;
    }
    List<Cause> causes = new ArrayList<>();
    List<String> parts = new ArrayList<>();
    conflicts.forEach(
        (description, paths) -> {
          paths.forEach(
              path ->
                  causes.add(
                      new Cause("FieldManagerConflict", "conflict with " + description, path)));
          parts.add(
              paths.size() == 1
                  ? "conflict with " + description + ": " + paths.getFirst()
                  : "conflicts with " + description + ":\n- " + String.join("\n- ", paths));
        });
    String count = causes.size() == 1 ? "1 conflict" : causes.size() + " conflicts";
    throw ApiFailure.applyConflict(
        "Apply failed with " + count + ": " + String.join("\n", parts), causes);
  }

  private static String description(Manager manager) {
    String name = '"' + manager.name() + '"';
    if (!manager.subresource().isEmpty()) {
      name += " with subresource \"" + manager.subresource() + '"';
    }
    return manager.operation() == Manager.Operation.UPDATE
        ? name + " using " + manager.apiVersion()
        : name;
  }

  private static FieldSet owned(FieldSet set, boolean withStatus) {
    FieldSet result = set;
    for (List<String> path : UNOWNED) {
      result = result.without(path);
    }
    if (!withStatus) {
      result = result.without(List.of("f:status"));
    }
    FieldSet metadata = result.children().get("f:metadata");
    return metadata != null && metadata.isMember() ? withoutMember(result) : result.pruned();
  }

  /** {@code metadata} itself is nobody's. */
  private static FieldSet withoutMember(FieldSet set) {
    FieldSet only = new FieldSet();
    only.child("f:metadata").insert();
    return set.difference(only);
  }
}
