package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** How objects end: preconditions, a pod's grace period, finalizers, what becomes of dependents. */
final class Deletion {

  private static final List<String> IMMORTAL = List.of("default", "kube-public", "kube-system");

  /** A pod's grace period where it says none. */
  private static final long DEFAULT_GRACE_SECONDS = 30;

  /**
   * What a deletion led to.
   *
   * @param object the object as it was last, or as it is now that it is marked
   * @param gone the object is removed, not only marked
   */
  record Outcome(ApiObject object, boolean gone) {}

  private final Registry registry;
  private final ObjectStore store;

  Deletion(Registry registry) {
    this.registry = registry;
    this.store = registry.store();
  }

  /**
   * Deletes an object, or marks it where a pod's grace period, a finalizer or a namespace's content
   * comes first.
   */
  Outcome delete(ResourceType type, String namespace, String name, DeleteOptions options) {
    return store.locked(
        () -> {
          ApiObject current = registry.get(type, namespace, name);
          checkDeletable(type, current);
          checkPreconditions(type, current, options);
          ApiObject marked = current.copy();
          addFinalizer(marked, options.propagation());
          long grace = type.equals(ResourceCatalogue.PODS) ? podGrace(current, options) : 0;
          boolean shorter =
              !current.isDeleting() || (options.graceSeconds() != null && grace < graceOf(current));
          boolean changed = shorter || !marked.finalizers().equals(current.finalizers());
          if (shorter) {
            mark(type, current, marked, grace);
          }
          boolean last =
              marked.finalizers().isEmpty()
                  && grace == 0
                  && !type.equals(ResourceCatalogue.NAMESPACES);
          if (options.dryRun()) {
            return new Outcome(changed ? marked : current, last);
          }
          if (last) {
            return new Outcome(remove(type, current, marked, changed), true);
          }
          return new Outcome(changed ? put(type, marked) : current, false);
        });
  }

  private static void checkDeletable(ResourceType type, ApiObject object) {
    if (type.equals(ResourceCatalogue.NAMESPACES) && IMMORTAL.contains(object.name())) {
      throw ApiFailure.forbidden(type, object.name(), "this namespace may not be deleted", null);
    }
  }

  /** Removes an object for good; of a pod watchers first see that its time is over. */
  private ApiObject remove(
      ResourceType type, ApiObject current, ApiObject marked, boolean changed) {
    if (type.equals(ResourceCatalogue.PODS) && changed) {
      put(type, marked);
    }
    return EventVersions.toServed(
        type, store.remove(ObjectKey.of(type, current.namespace(), current.name())));
  }

  private ApiObject put(ResourceType type, ApiObject marked) {
    if (type.equals(ResourceCatalogue.NAMESPACES)) {
      marked.status().put("phase", "Terminating");
    }
    ObjectKey key = ObjectKey.of(type, marked.namespace(), marked.name());
    return EventVersions.toServed(type, store.put(key, EventVersions.toStored(type, marked)));
  }

  /** Ends a pod as an eviction does: with a condition that says so. */
  void evict(String namespace, String name, DeleteOptions options) {
    ResourceType pods = ResourceCatalogue.PODS;
    store.locked(
        () -> {
          Outcome checked = delete(pods, namespace, name, options.asDryRun());
          if (options.dryRun()) {
            return checked;
          }
          registry.updateUnowned(
              pods,
              namespace,
              name,
              pod ->
                  Conditions.set(
                      pod,
                      "DisruptionTarget",
                      true,
                      "EvictionByEvictionAPI",
                      "Eviction API: evicting",
                      registry.now()));
          return delete(pods, namespace, name, options.ofAnyVersion());
        });
  }

  /** Completes a deletion that waited for its last finalizer; false if it has to wait on. */
  boolean isComplete(ApiObject object) {
    return object.isDeleting() && object.finalizers().isEmpty() && graceOf(object) == 0;
  }

  private void mark(ResourceType type, ApiObject current, ApiObject marked, long grace) {
    ObjectNode metadata = marked.metadata();
    Instant since = registry.clock().instant();
    if (current.isDeleting()) {
      since =
          Instant.parse(current.metadata().get("deletionTimestamp").asText())
              .minusSeconds(graceOf(current));
    }
    metadata.put(
        "deletionTimestamp", since.plusSeconds(grace).truncatedTo(ChronoUnit.SECONDS).toString());
    if (!type.equals(ResourceCatalogue.NAMESPACES)) {
      metadata.put("deletionGracePeriodSeconds", grace);
    }
    if (type.generated() && !current.isDeleting()) {
      metadata.put("generation", current.generation() + 1);
    }
  }

  private static long graceOf(ApiObject object) {
    return object.json().path("metadata").path("deletionGracePeriodSeconds").asLong();
  }

  private static long podGrace(ApiObject pod, DeleteOptions options) {
    String phase = pod.json().path("status").path("phase").asText();
    boolean running =
        !pod.json().path("spec").path("nodeName").asText().isEmpty()
            && !phase.equals("Succeeded")
            && !phase.equals("Failed");
    if (!running) {
      return 0;
    }
    return options.graceSeconds() != null
        ? options.graceSeconds()
        : pod.json()
            .path("spec")
            .path("terminationGracePeriodSeconds")
            .asLong(DEFAULT_GRACE_SECONDS);
  }

  private static void addFinalizer(ApiObject object, DeleteOptions.Propagation propagation) {
    String finalizer =
        switch (propagation) {
          case BACKGROUND -> "";
          case FOREGROUND -> "foregroundDeletion";
          case ORPHAN -> "orphan";
        };
    List<String> finalizers = new ArrayList<>(object.finalizers());
    if (!finalizer.isEmpty() && !finalizers.contains(finalizer)) {
      finalizers.add(finalizer);
      object.setFinalizers(finalizers);
    }
  }

  private static void checkPreconditions(
      ResourceType type, ApiObject current, DeleteOptions options) {
    if (options.uid() != null && !options.uid().equals(current.uid())) {
      throw mismatch(
          type,
          current,
          "UID",
          options.uid(),
          current.uid(),
          "The object might have been deleted and then recreated");
    }
    if (options.resourceVersion() != null
        && !options.resourceVersion().equals(current.resourceVersion())) {
      throw mismatch(
          type,
          current,
          "ResourceVersion",
          options.resourceVersion(),
          current.resourceVersion(),
          "The object might have been modified");
    }
  }

  private static ApiFailure mismatch(
      ResourceType type, ApiObject object, String what, String asked, String found, String why) {
    if (type.equals(ResourceCatalogue.NAMESPACES)) {
      String message = "Precondition failed: " + what + " in precondition: " + asked;
      return ApiFailure.conflict(
          "", type.plural(), object.name(), message + ", " + what + " in object meta: " + found);
    }
    String message = "the " + what + " in the precondition (" + asked + ") does not match the ";
    return ApiFailure.conflict(
        type.group(),
        type.kind(),
        object.name(),
        message + what + " in record (" + found + "). " + why);
  }
}
