package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.KindDecoder.Decoded;
import io.meshward.embedded.KindDecoder.Origin;
import io.meshward.embedded.ManagedFields.Manager;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The write path of the API server: decoding, defaults, validation, optimistic locks, field
 * ownership, generations, graceful deletion. Clients and the simulated controllers write through it
 * alike. Thread-safe; each write is one step of the {@link ObjectStore}.
 */
final class Registry {

  /** The outcome of a write. */
  record Written(ApiObject object, boolean created, List<String> warnings) {}

  private final ObjectStore store;
  private final Clock clock;
  private final Identifiers identifiers;
  private final Deletion deletion;

  Registry(ObjectStore store, Clock clock, Identifiers identifiers) {
    this.store = store;
    this.clock = clock;
    this.identifiers = identifiers;
    this.deletion = new Deletion(this);
  }

  ObjectStore store() {
    return store;
  }

  /** The time as objects write it. */
  String now() {
    return clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  Clock clock() {
    return clock;
  }

  /**
   * Reads an object.
   *
   * @throws ApiFailure 404
   */
  ApiObject get(ResourceType type, String namespace, String name) {
    ApiObject object = store.get(ObjectKey.of(type, namespace, name));
    if (object == null) {
      throw ApiFailure.notFound(type, name);
    }
    return EventVersions.toServed(type, object);
  }

  // Create

  /** Creates an object from a client's JSON. */
  Written create(ResourceType type, String namespace, ObjectNode body, WriteOptions options) {
    Decoded decoded = KindDecoder.of(type).decode(body, Origin.BODY, options.validation());
    ApiObject object = decoded.object();
    KindDecoder.checkNamespace(object, type.namespaced() ? namespace : "");
    if (!object.resourceVersion().isEmpty() && !options.dryRun()) {
      throw ApiFailure.internal("resourceVersion should not be set on objects to be created");
    }
    return store.locked(
        () ->
            new Written(insert(type, namespace, object, null, options), true, decoded.warnings()));
  }

  /** Creates an object that is already in the server's form. */
  ApiObject create(ResourceType type, String namespace, ApiObject object, WriteOptions options) {
    return create(type, namespace, object.json(), options).object();
  }

  /**
   * Stores a new object; what was applied, if it comes by an apply, is all that its manager owns.
   */
  private ApiObject insert(
      ResourceType type,
      String namespace,
      ApiObject object,
      @Nullable ApplyConfiguration applied,
      WriteOptions options) {
    if (type.namespaced()) {
      checkNamespaceAlive(type, namespace, object.name());
    }
    ObjectNode metadata = object.metadata();
    if (object.name().isEmpty() && metadata.has("generateName")) {
      metadata.put("name", metadata.get("generateName").asText() + identifiers.suffix());
    }
    if (type.namespaced()) {
      metadata.put("namespace", namespace);
    }
    metadata.remove(
        List.of(
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "generation",
            "managedFields"));
    metadata.put("uid", identifiers.uid());
    metadata.put("creationTimestamp", now());
    if (type.generated()) {
      metadata.put("generation", 1);
    }
    if (type.statusSeparate() && !type.equals(ResourceCatalogue.NODES)) {
      object.json().remove("status");
    }
    Defaults.apply(type, object);
    ApiObject given = normalised(type, object);
    Admission.ofNew(type, object, this);
    ApiObject complete = normalised(type, object);
    Validation.ofNew(type, complete);
    Admission.checkSimulated(type, complete);
    ObjectKey key = ObjectKey.of(type, namespace, complete.name());
    if (store.get(key) != null) {
      throw ApiFailure.alreadyExists(type, complete.name());
    }
    boolean withStatus = !type.statusSeparate();
    if (applied == null) {
      Manager manager =
          new Manager(options.fieldManager(), Manager.Operation.UPDATE, type.apiVersion(), "");
      ManagedFields.NONE
          .afterUpdate(blank(type), given, manager, type.struct(), withStatus, now())
          .writeTo(complete);
    } else {
      Manager manager =
          new Manager(options.fieldManager(), Manager.Operation.APPLY, type.apiVersion(), "");
      ManagedFields.ofApplied(manager, applied.fields(), withStatus, now()).writeTo(complete);
    }
    if (options.dryRun()) {
      return complete;
    }
    return EventVersions.toServed(type, store.put(key, EventVersions.toStored(type, complete)));
  }

  /** An object of the type with nothing set. */
  private static ApiObject blank(ResourceType type) {
    return new ApiObject(
        ObjectDecoder.decode(JsonNodeFactory.instance.objectNode(), type.struct()).object());
  }

  private void checkNamespaceAlive(ResourceType type, String namespace, String name) {
    ApiObject parent = store.get(ObjectKey.of(ResourceCatalogue.NAMESPACES, "", namespace));
    if (parent == null) {
      throw ApiFailure.notFound(ResourceCatalogue.NAMESPACES, namespace);
    }
    if (parent.isDeleting()) {
      throw ApiFailure.forbidden(
          type,
          name,
          "unable to create new content in namespace "
              + namespace
              + " because it is being terminated",
          new Cause(
              "NamespaceTerminating",
              "namespace " + namespace + " is being terminated",
              "metadata.namespace"));
    }
  }

  // Update

  /** Writes what the function makes of the current object; it sees the JSON that a client would. */
  Written update(
      ResourceType type,
      String namespace,
      String name,
      Origin origin,
      Function<ApiObject, ObjectNode> change,
      WriteOptions options) {
    return store.locked(
        () -> {
          ApiObject current = get(type, namespace, name);
          ObjectNode proposed = change.apply(current.copy());
          Decoded decoded = KindDecoder.of(type).decode(proposed, origin, options.validation());
          ApiObject object = decoded.object();
          KindDecoder.checkAddress(object, type.namespaced() ? namespace : "", name);
          if (origin == Origin.BODY
              && !object.uid().isEmpty()
              && !object.uid().equals(current.uid())) {
            throw storageConflict(type, namespace, name, object.uid(), current.uid());
          }
          checkVersion(type, object, current);
          if (object.uid().isEmpty()) {
            object.metadata().put("uid", current.uid());
          }
          if (type.statusSeparate()) {
            object
                .json()
                .set(
                    "status",
                    current.json().path("status").isMissingNode()
                        ? JsonNodeFactory.instance.objectNode()
                        : current.json().get("status").deepCopy());
          }
          Manager manager =
              new Manager(options.fieldManager(), Manager.Operation.UPDATE, type.apiVersion(), "");
          return new Written(
              replace(type, current, object, manager, !type.statusSeparate(), options),
              false,
              decoded.warnings());
        });
  }

  /**
   * Changes an object through a subresource: {@code scale}, {@code status}. The change edits a copy
   * in the server's form.
   *
   * @throws ApiFailure 404; 409 if the version written into the copy is not the current one
   */
  ApiObject updateSubresource(
      ResourceType type,
      String namespace,
      String name,
      String subresource,
      Consumer<ApiObject> change,
      WriteOptions options) {
    return store.locked(
        () -> {
          ApiObject current = get(type, namespace, name);
          ApiObject object = current.copy();
          change.accept(object);
          checkVersion(type, object, current);
          Manager manager =
              new Manager(
                  options.fieldManager(), Manager.Operation.UPDATE, type.apiVersion(), subresource);
          return replace(type, current, object, manager, true, options);
        });
  }

  /** Changes an object as the server itself does: unchecked, and nobody owns the change. */
  ApiObject updateUnowned(
      ResourceType type, String namespace, String name, Consumer<ApiObject> change) {
    return store.locked(
        () -> {
          ApiObject object = get(type, namespace, name).copy();
          change.accept(object);
          return store.put(ObjectKey.of(type, namespace, name), normalised(type, object));
        });
  }

  /** Server-side apply, which creates what does not exist. */
  Written apply(
      ResourceType type, String namespace, String name, ObjectNode config, WriteOptions options) {
    ApplyConfiguration applied =
        ApplyConfiguration.parse(config, type, type.namespaced() ? namespace : "", name);
    return store.locked(
        () -> {
          ApiObject stored = store.get(ObjectKey.of(type, namespace, name));
          if (stored == null) {
            ApiObject object = normalised(type, new ApiObject(applied.values()));
            object.metadata().remove("resourceVersion");
            return new Written(insert(type, namespace, object, applied, options), true, List.of());
          }
          ApiObject current = EventVersions.toServed(type, stored);
          Manager manager =
              new Manager(options.fieldManager(), Manager.Operation.APPLY, type.apiVersion(), "");
          ManagedFields.Applied result =
              ManagedFields.of(current)
                  .apply(
                      current,
                      applied,
                      manager,
                      type.struct(),
                      !type.statusSeparate(),
                      options.force(),
                      now());
          checkVersion(type, result.object(), current);
          if (type.statusSeparate() && current.json().has("status")) {
            result.object().json().set("status", current.json().get("status").deepCopy());
          }
          return new Written(
              commit(type, current, result.object(), result.fields(), true, options),
              false,
              List.of());
        });
  }

  private ApiObject replace(
      ResourceType type,
      ApiObject current,
      ApiObject object,
      Manager manager,
      boolean withStatus,
      WriteOptions options) {
    Defaults.apply(type, object);
    ApiObject complete = normalised(type, object);
    JsonNode given = complete.json().path("metadata").path("managedFields");
    boolean reset = given.size() == 1 && given.get(0).isEmpty();
    ManagedFields owned =
        ManagedFields.of(
            reset
                ? ApiObject.empty()
                : given.isEmpty() || !manager.subresource().isEmpty() ? current : complete);
    ManagedFields fields;
    if (owned.isEmpty()) {
      fields = owned;
    } else if (manager.subresource().equals("scale")) {
      long count = replicas(complete);
      fields = owned.afterScale(manager, count != replicas(current), count == 0);
    } else {
      fields = owned.afterUpdate(current, complete, manager, type.struct(), withStatus, now());
    }
    return commit(
        type, current, complete, fields, !manager.subresource().equals("status"), options);
  }

  private static long replicas(ApiObject workload) {
    return workload.json().path("spec").path("replicas").asLong();
  }

  /**
   * Validates and stores a new state, unless nothing changed; completes a deletion whose last
   * finalizer is gone.
   */
  private ApiObject commit(
      ResourceType type,
      ApiObject current,
      ApiObject object,
      ManagedFields fields,
      boolean generates,
      WriteOptions options) {
    ObjectNode metadata = object.metadata();
    for (String field :
        List.of("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")) {
      JsonNode kept = current.json().path("metadata").path(field);
      if (!metadata.has(field) && !kept.isMissingNode()) {
        metadata.set(field, kept);
      }
    }
    metadata.put("generation", current.generation());
    metadata.put("name", current.name());
    if (type.namespaced()) {
      metadata.put("namespace", current.namespace());
    }
    Admission.keepAllocated(type, current, object);
    Defaults.apply(type, object);
    ApiObject complete = normalised(type, object);
    Validation.ofUpdate(type, current, complete);
    Admission.checkSimulated(type, complete);
    Admission.checkSameRevision(type, current, complete);
    if (type.generated() && generates && specificationChanged(type, current, complete)) {
      complete.metadata().put("generation", current.generation() + 1);
    }
    metadata = complete.metadata();
    ManagedFields before = ManagedFields.of(current);
    metadata.set("resourceVersion", current.metadata().get("resourceVersion"));
    boolean sameOwners = fields.sameOwnership(before);
    (sameOwners ? before : fields).writeTo(complete);
    if (complete.json().equals(current.json())) {
      return current;
    }
    fields.writeTo(complete);
    if (options.dryRun()) {
      return complete;
    }
    ObjectKey key = ObjectKey.of(type, current.namespace(), current.name());
    if (!current.finalizers().isEmpty() && deletion.isComplete(complete)) {
      store.put(key, EventVersions.toStored(type, complete));
      return EventVersions.toServed(type, store.remove(key));
    }
    return EventVersions.toServed(type, store.put(key, EventVersions.toStored(type, complete)));
  }

  private static boolean specificationChanged(
      ResourceType type, ApiObject before, ApiObject after) {
    boolean spec = !before.json().path("spec").equals(after.json().path("spec"));
    return spec
        || (type.equals(ResourceCatalogue.DEPLOYMENTS)
            && !before
                .json()
                .path("metadata")
                .path("annotations")
                .equals(after.json().path("metadata").path("annotations")));
  }

  // Delete

  /** Deletes an object, or marks it where something comes first. */
  Deletion.Outcome delete(ResourceType type, String namespace, String name, DeleteOptions options) {
    return deletion.delete(type, namespace, name, options);
  }

  /** Evicts a pod. */
  void evict(String namespace, String name, DeleteOptions options) {
    deletion.evict(namespace, name, options);
  }

  /** Removes a namespace whose content is gone. */
  void removeNamespace(String name) {
    store.locked(() -> store.remove(ObjectKey.of(ResourceCatalogue.NAMESPACES, "", name)));
  }

  // Checks of what a client sends

  private static ApiObject normalised(ResourceType type, ApiObject object) {
    return new ApiObject(ObjectDecoder.decode(object.json(), type.struct()).object());
  }

  private static void checkVersion(ResourceType type, ApiObject object, ApiObject current) {
    String version = object.resourceVersion();
    if (version.isEmpty() || version.equals("0")) {
      return;
    }
    try {
      Long.parseUnsignedLong(version);
    } catch (NumberFormatException e) {
      throw ApiFailure.internal("strconv.ParseUint: parsing \"" + version + "\": invalid syntax");
    }
    if (!version.equals(current.resourceVersion())) {
      throw ApiFailure.modified(type, current.name());
    }
  }

  /** A PUT's uid is a precondition of the store. */
  static ApiFailure storageConflict(
      ResourceType type, String namespace, String name, String asked, @Nullable String actual) {
    String key =
        "/registry/" + type.storage() + (type.namespaced() ? "/" + namespace : "") + "/" + name;
    return ApiFailure.conflict(
        type.group(),
        type.plural(),
        name,
        "StorageError: invalid object, Code: 4, Key: "
            + key
            + ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
            + asked
            + ", UID in object meta: "
            + actual);
  }
}
