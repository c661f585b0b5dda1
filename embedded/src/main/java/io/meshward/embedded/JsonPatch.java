package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * JSON Patch, RFC 6902, with the API server's deviations: {@code replace} of an absent object
 * member adds it, and an index may count from the end. Any operation that cannot be applied, a
 * failed {@code test} included, refuses the whole patch.
 */
final class JsonPatch {

  /**
   * The bounds of the real server: operations in a patch, and bytes that all its copies may make.
   */
  static final int MAX_OPERATIONS = 10_000;

  private static final int MAX_COPIED = 3 * 1024 * 1024;

  private JsonNode document;
  private int copied;

  private JsonPatch(JsonNode document) {
    this.document = document;
  }

  /** The document with all operations applied in order; the argument is not changed. */
  static JsonNode apply(JsonNode document, ArrayNode operations) {
    JsonPatch patch = new JsonPatch(document.deepCopy());
    operations.forEach(patch::apply);
    return patch.document;
  }

  private void apply(JsonNode operation) {
    List<String> path = pointer(operation.path("path"));
    switch (operation.path("op").asText()) {
      case "add" -> add(path, required(operation, "value").deepCopy());
      case "remove" -> remove(path);
      case "replace" -> replace(path, required(operation, "value").deepCopy());
      case "move" -> {
        List<String> from = pointer(operation.path("from"));
        JsonNode moved = present(from);
        remove(from);
        add(path, moved);
      }
      case "copy" -> {
        JsonNode value = present(pointer(operation.path("from"))).deepCopy();
        copied += value.toString().length();
        if (copied > MAX_COPIED) {
          throw ApiFailure.patchRejected();
        }
        add(path, value);
      }
      case "test" -> {
        JsonNode actual = at(path);
        JsonNode expected = operation.has("value") ? operation.get("value") : NullNode.instance;
        if (!same(actual.isMissingNode() ? NullNode.instance : actual, expected)) {
          throw ApiFailure.patchRejected();
        }
      }
      default -> throw ApiFailure.patchRejected();
    }
  }

  /** Equality; as at the API server, 2 and 2.0 are not the same. */
  private static boolean same(JsonNode left, JsonNode right) {
    return left.equals(
        (a, b) -> {
          boolean integers = a.isIntegralNumber() && b.isIntegralNumber();
          boolean equal = integers ? a.bigIntegerValue().equals(b.bigIntegerValue()) : a.equals(b);
          return equal ? 0 : 1;
        },
        right);
  }

  private void add(List<String> path, JsonNode value) {
    if (path.isEmpty()) {
      document = value;
      return;
    }
    String last = path.getLast();
    switch (at(path.subList(0, path.size() - 1))) {
      case ObjectNode object -> object.set(last, value);
      case ArrayNode array -> {
        if (last.equals("-")) {
          array.add(value);
        } else {
          array.insert(index(last, array.size() + 1), value);
        }
      }
      default -> throw ApiFailure.patchRejected();
    }
  }

  private void remove(List<String> path) {
    if (path.isEmpty() || at(path).isMissingNode()) {
      throw ApiFailure.patchRejected();
    }
    String last = path.getLast();
    switch (at(path.subList(0, path.size() - 1))) {
      case ObjectNode object -> object.remove(last);
      case ArrayNode array -> array.remove(index(last, array.size()));
      default -> throw ApiFailure.patchRejected();
    }
  }

  private void replace(List<String> path, JsonNode value) {
    if (path.isEmpty()) {
      document = value;
      return;
    }
    String last = path.getLast();
    switch (at(path.subList(0, path.size() - 1))) {
      case ObjectNode object -> object.set(last, value);
      case ArrayNode array -> array.set(index(last, array.size()), value);
      default -> throw ApiFailure.patchRejected();
    }
  }

  private JsonNode present(List<String> path) {
    JsonNode node = at(path);
    if (node.isMissingNode()) {
      throw ApiFailure.patchRejected();
    }
    return node;
  }

  private JsonNode at(List<String> path) {
    JsonNode node = document;
    for (String token : path) {
      node =
          switch (node) {
            case ObjectNode object -> object.path(token);
            case ArrayNode array -> array.path(index(token, array.size()));
            default -> MissingNode.getInstance();
          };
    }
    return node;
  }

  private static int index(String token, int size) {
    int index;
    try {
      index = Integer.parseInt(token);
    } catch (NumberFormatException e) {
      throw ApiFailure.patchRejected();
    }
    if (index < 0) {
      index += size;
    }
    if (index < 0 || index >= size) {
      throw ApiFailure.patchRejected();
    }
    return index;
  }

  private static JsonNode required(JsonNode operation, String field) {
    if (!operation.has(field)) {
      throw ApiFailure.patchRejected();
    }
    return operation.get(field);
  }

  /** RFC 6901. */
  private static List<String> pointer(JsonNode text) {
    if (!text.isTextual() || !(text.textValue().isEmpty() || text.textValue().startsWith("/"))) {
      throw ApiFailure.patchRejected();
    }
    List<String> tokens = new ArrayList<>();
    if (!text.textValue().isEmpty()) {
      for (String token : text.textValue().substring(1).split("/", -1)) {
        tokens.add(token.replace("~1", "/").replace("~0", "~"));
      }
    }
    return tokens;
  }
}
