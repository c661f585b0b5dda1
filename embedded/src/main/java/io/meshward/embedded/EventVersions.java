package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/**
 * Events are served by two groups under other field names and kept once, in the names of the core
 * group.
 */
final class EventVersions {

  /** Names in events.k8s.io to names in core; all other fields are called the same. */
  private static final Map<String, String> CORE_NAMES =
      Map.of(
          "regarding", "involvedObject",
          "note", "message",
          "reportingController", "reportingComponent",
          "deprecatedSource", "source",
          "deprecatedFirstTimestamp", "firstTimestamp",
          "deprecatedLastTimestamp", "lastTimestamp",
          "deprecatedCount", "count");

  private static final Map<String, String> EVENTS_NAMES =
      CORE_NAMES.entrySet().stream()
          .collect(
              java.util.stream.Collectors.toUnmodifiableMap(
                  Map.Entry::getValue, Map.Entry::getKey));

  private EventVersions() {}

  /** The object as it is kept. */
  static ApiObject toStored(ResourceType type, ApiObject object) {
    return type.equals(ResourceCatalogue.EVENTS)
        ? renamed(object, CORE_NAMES, ResourceCatalogue.CORE_EVENTS)
        : object;
  }

  /** The object as that resource serves it. */
  static ApiObject toServed(ResourceType type, ApiObject stored) {
    return type.equals(ResourceCatalogue.EVENTS) ? renamed(stored, EVENTS_NAMES, type) : stored;
  }

  private static ApiObject renamed(ApiObject object, Map<String, String> names, ResourceType type) {
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    object
        .json()
        .properties()
        .forEach(e -> result.set(names.getOrDefault(e.getKey(), e.getKey()), e.getValue()));
    result.put("apiVersion", type.apiVersion());
    return new ApiObject(result);
  }
}
