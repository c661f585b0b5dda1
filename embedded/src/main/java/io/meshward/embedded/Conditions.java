package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The {@code status.conditions} of an object. */
final class Conditions {

  private Conditions() {}

  static Optional<JsonNode> find(ApiObject object, String type) {
    for (JsonNode condition : object.json().path("status").path("conditions")) {
      if (condition.path("type").asText().equals(type)) {
        return Optional.of(condition);
      }
    }
    return Optional.empty();
  }

  static boolean isTrue(ApiObject object, String type) {
    return find(object, type).filter(c -> c.path("status").asText().equals("True")).isPresent();
  }

  /** Sets a condition in place and answers it; the transition time moves only with the status. */
  static ObjectNode set(
      ApiObject object,
      String type,
      boolean value,
      @Nullable String reason,
      @Nullable String message,
      String now) {
    String status = value ? "True" : "False";
    ArrayNode conditions =
        object.status().path("conditions") instanceof ArrayNode array
            ? array
            : object.status().putArray("conditions");
    Optional<JsonNode> previous = find(object, type);
    ObjectNode condition = previous.map(ObjectNode.class::cast).orElseGet(conditions::addObject);
    boolean moved = !condition.path("status").asText().equals(status);
    condition.put("type", type).put("status", status);
    if (reason != null) {
      condition.put("reason", reason);
    } else {
      condition.remove("reason");
    }
    if (message != null) {
      condition.put("message", message);
    } else {
      condition.remove("message");
    }
    if (moved) {
      condition.put("lastTransitionTime", now);
    }
    return condition;
  }

  /** Removes a condition in place. */
  static void remove(ApiObject object, String type) {
    if (object.json().path("status").path("conditions") instanceof ArrayNode array) {
      for (int i = array.size() - 1; i >= 0; i--) {
        if (array.get(i).path("type").asText().equals(type)) {
          array.remove(i);
        }
      }
    }
  }
}
