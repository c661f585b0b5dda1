package io.meshward.embedded;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The objects of one resource by who controls them, as they are at one moment: a controller finds
 * an owner's without looking at everybody's, and sees whether anything of them changed.
 */
final class Controlled {
  private final Map<String, List<ApiObject>> byController = new HashMap<>();
  private final Map<String, List<ApiObject>> freeByNamespace = new HashMap<>();
  private final Map<String, String> freeLabels = new HashMap<>();

  Controlled(List<ApiObject> objects) {
    for (ApiObject object : objects) {
      object
          .controller()
          .map(owner -> byController.computeIfAbsent(owner.uid(), uid -> new ArrayList<>()))
          .orElseGet(
              () -> freeByNamespace.computeIfAbsent(object.namespace(), n -> new ArrayList<>()))
          .add(object);
    }
    freeByNamespace.forEach(
        (namespace, free) ->
            freeLabels.put(
                namespace,
                free.stream()
                    .map(object -> object.uid() + object.labels() + object.isDeleting())
                    .collect(Collectors.joining(";"))));
  }

  /** What an owner controls, and what nobody controls and it might adopt. */
  List<ApiObject> candidates(ApiObject owner) {
    List<ApiObject> candidates = new ArrayList<>(byController.getOrDefault(owner.uid(), List.of()));
    candidates.addAll(freeByNamespace.getOrDefault(owner.namespace(), List.of()));
    return candidates;
  }

  /** Differs whenever the owner or something that matters to it does. */
  String state(ApiObject owner) {
    return owner.resourceVersion()
        + byController.getOrDefault(owner.uid(), List.of()).stream()
            .map(ApiObject::resourceVersion)
            .collect(Collectors.joining(",", "|", "|"))
        + freeLabels.getOrDefault(owner.namespace(), "");
  }
}
