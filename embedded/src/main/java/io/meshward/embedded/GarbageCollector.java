package io.meshward.embedded;

import io.meshward.embedded.ApiObject.Owner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Deletes what its owners leave behind, and carries out foreground and orphaning deletion. */
final class GarbageCollector implements Controllers.Controller {

  private static final WriteOptions OPTIONS = WriteOptions.by("kube-controller-manager");
  private static final String FOREGROUND = "foregroundDeletion";
  private static final String ORPHAN = "orphan";

  private final Registry registry;

  GarbageCollector(Registry registry) {
    this.registry = registry;
  }

  /** An object and the resource that serves it. */
  private record Item(ResourceType type, ApiObject object) {}

  @Override
  public Optional<Duration> reconcile() {
    Map<String, List<Item>> dependents = new HashMap<>();
    List<Item> owned = new ArrayList<>();
    List<Item> deleting = new ArrayList<>();
    for (ResourceType type : ResourceCatalogue.ALL) {
      if (type.equals(ResourceCatalogue.EVENTS)) {
        continue;
      }
      for (ApiObject object : registry.store().list(type, "").objects()) {
        Item item = new Item(type, object);
        List<Owner> owners = object.owners();
        owners.forEach(o -> dependents.computeIfAbsent(o.uid(), u -> new ArrayList<>()).add(item));
        if (!owners.isEmpty()) {
          owned.add(item);
        }
        if (object.isDeleting() && !object.finalizers().isEmpty()) {
          deleting.add(item);
        }
      }
    }
    owned.forEach(item -> collect(item, dependents));
    deleting.forEach(item -> finish(item, dependents.getOrDefault(item.object().uid(), List.of())));
    return Optional.empty();
  }

  /** Deletes an object whose owners are all gone, or going and waiting for it. */
  private void collect(Item item, Map<String, List<Item>> dependents) {
    ApiObject object = item.object();
    boolean waitedFor = false;
    for (Owner owner : object.owners()) {
      ResourceType type = ResourceCatalogue.ofKind(owner.apiVersion(), owner.kind());
      if (type == null) {
        return;
      }
      ApiObject found = registry.store().get(ObjectKey.of(type, object.namespace(), owner.name()));
      if (found != null && found.uid().equals(owner.uid())) {
        if (!found.isDeleting() || !found.finalizers().contains(FOREGROUND)) {
          return;
        }
        waitedFor = true;
      }
    }
    if (!object.isDeleting()) {
      boolean foreground = waitedFor && dependents.containsKey(object.uid());
      DeleteOptions.Propagation propagation =
          foreground ? DeleteOptions.Propagation.FOREGROUND : DeleteOptions.Propagation.BACKGROUND;
      registry.delete(
          item.type(),
          object.namespace(),
          object.name(),
          new DeleteOptions(object.uid(), null, null, propagation, false));
    }
  }

  private void finish(Item item, List<Item> dependents) {
    List<String> finalizers = item.object().finalizers();
    if (finalizers.contains(ORPHAN)) {
      dependents.forEach(d -> disown(d, item.object().uid()));
      removeFinalizer(item, ORPHAN);
    } else if (finalizers.contains(FOREGROUND)
        && dependents.stream().noneMatch(d -> blocks(d, item.object().uid()))) {
      removeFinalizer(item, FOREGROUND);
    }
  }

  private boolean blocks(Item dependent, String owner) {
    ApiObject object = dependent.object();
    boolean present =
        registry.store().get(ObjectKey.of(dependent.type(), object.namespace(), object.name()))
            != null;
    return present
        && object.owners().stream().anyMatch(o -> o.uid().equals(owner) && o.blocksDeletion());
  }

  private void disown(Item dependent, String owner) {
    update(
        dependent,
        object ->
            object.setOwners(
                object.owners().stream().filter(o -> !o.uid().equals(owner)).toList()));
  }

  private void removeFinalizer(Item item, String finalizer) {
    update(
        item,
        object ->
            object.setFinalizers(
                object.finalizers().stream().filter(f -> !f.equals(finalizer)).toList()));
  }

  private void update(Item item, java.util.function.Consumer<ApiObject> change) {
    registry.update(
        item.type(),
        item.object().namespace(),
        item.object().name(),
        KindDecoder.Origin.PATCH,
        current -> {
          change.accept(current);
          return current.json();
        },
        OPTIONS);
  }
}
