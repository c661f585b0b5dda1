package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Gives each namespace its default service account, and empties and removes deleted namespaces. */
final class NamespaceController implements Controllers.Controller {

  private static final WriteOptions OPTIONS = WriteOptions.by("kube-controller-manager");

  private final Registry registry;

  NamespaceController(Registry registry) {
    this.registry = registry;
  }

  @Override
  public Optional<Duration> reconcile() {
    for (ApiObject namespace : registry.store().list(ResourceCatalogue.NAMESPACES, "").objects()) {
      if (namespace.isDeleting()) {
        empty(namespace.name());
      } else if (registry
              .store()
              .get(ObjectKey.of(ResourceCatalogue.SERVICE_ACCOUNTS, namespace.name(), "default"))
          == null) {
        ApiObject account = new ApiObject(JsonNodeFactory.instance.objectNode());
        account.metadata().put("name", "default");
        registry.create(ResourceCatalogue.SERVICE_ACCOUNTS, namespace.name(), account, OPTIONS);
      }
    }
    return Optional.empty();
  }

  private void empty(String namespace) {
    boolean left = false;
    for (ResourceType type : ResourceCatalogue.ALL) {
      if (!type.namespaced() || type.equals(ResourceCatalogue.EVENTS)) {
        continue;
      }
      List<ApiObject> content = registry.store().list(type, namespace).objects();
      content.stream()
          .filter(o -> !o.isDeleting())
          .forEach(
              o ->
                  registry.delete(
                      type, namespace, o.name(), DeleteOptions.BACKGROUND.ofUid(o.uid())));
      left |= !content.isEmpty();
    }
    if (!left) {
      registry.removeNamespace(namespace);
    }
  }
}
