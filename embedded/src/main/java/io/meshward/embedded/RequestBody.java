package io.meshward.embedded;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;

/**
 * A request's body.
 *
 * @param contentType without parameters, in lower case; empty if absent
 */
record RequestBody(String text, String contentType, ObjectMapper mapper) {

  private static final int SHOWN = 100;

  /** A change of an object, which is read when there is an object to change. */
  interface Patch {

    /**
     * The object with the change.
     *
     * @throws ApiFailure 400 if the change cannot be read, 422 if it cannot be applied
     */
    ObjectNode applyTo(ObjectNode current);
  }

  /** Whether the request applies a configuration. */
  boolean isApply() {
    return contentType.equals("application/apply-patch+yaml");
  }

  /**
   * The body as an object of that kind.
   *
   * @throws ApiFailure 400, 415 or 501
   */
  ObjectNode object(String kind) {
    requireJson();
    JsonNode node;
    try {
      node = mapper.readTree(text);
    } catch (JsonProcessingException e) {
      throw unrecognized(kind, "not JSON");
    }
    return switch (node) {
      case ObjectNode object -> object;
      case JsonNode other when other.isNull() -> JsonNodeFactory.instance.objectNode();
      default -> throw unrecognized(kind, "json: cannot unmarshal " + goKind(node));
    };
  }

  private ApiFailure unrecognized(String kind, String why) {
    String shown = text.length() > SHOWN ? text.substring(0, SHOWN) : text;
    return ApiFailure.badRequest(
        "the object provided is unrecognized (must be of type "
            + kind
            + "): couldn't get version/kind; json parse error: "
            + why
            + " ("
            + shown
            + ")");
  }

  /** The options of a deletion, missing if the body is empty. */
  JsonNode deleteOptions() {
    if (text.isEmpty()) {
      return MissingNode.getInstance();
    }
    requireJson();
    JsonNode node;
    try {
      node = mapper.readTree(text);
    } catch (JsonProcessingException e) {
      throw ApiFailure.badRequest("couldn't get version/kind; json parse error: not JSON");
    }
    if (node.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (!node.isObject()) {
      throw ApiFailure.badRequest(
          "couldn't get version/kind; json parse error: json: cannot unmarshal " + goKind(node));
    }
    return node;
  }

  /**
   * The body as a merge patch or JSON patch.
   *
   * @throws ApiFailure 415 or 501 for other types
   */
  Patch patch() {
    return switch (contentType) {
      case "application/json-patch+json" ->
          current -> object(JsonPatch.apply(current, operations(decoded())));
      case "application/merge-patch+json" ->
          current -> object(MergePatch.apply(current, merge(decoded())));
      case "application/strategic-merge-patch+json", "application/apply-patch+cbor" ->
          throw ApiFailure.notSimulated("patches of type " + contentType);
      default -> throw ApiFailure.unsupportedMediaType();
    };
  }

  private JsonNode decoded() {
    try {
      return mapper.readTree(text);
    } catch (JsonProcessingException e) {
      throw ApiFailure.badRequest("error decoding patch: not JSON");
    }
  }

  private static ObjectNode object(JsonNode patched) {
    if (patched instanceof ObjectNode object) {
      return object;
    }
    throw ApiFailure.patchRejected();
  }

  private static JsonNode merge(JsonNode patch) {
    if (!patch.isObject()) {
      throw undecodable(patch, "map[string]interface {}");
    }
    return patch;
  }

  private static ArrayNode operations(JsonNode patch) {
    if (patch.isNull()) {
      return JsonNodeFactory.instance.arrayNode();
    }
    if (!(patch instanceof ArrayNode operations)) {
      throw undecodable(patch, "[]handlers.jsonPatchOp");
    }
    for (JsonNode operation : operations) {
      if (!operation.isObject()) {
        throw undecodable(operation, "handlers.jsonPatchOp");
      }
    }
    if (operations.size() > JsonPatch.MAX_OPERATIONS) {
      throw ApiFailure.tooLarge(JsonPatch.MAX_OPERATIONS);
    }
    return operations;
  }

  private static ApiFailure undecodable(JsonNode found, String expected) {
    return ApiFailure.badRequest(
        "error decoding patch: json: cannot unmarshal "
            + goKind(found)
            + " into Go value of type "
            + expected);
  }

  /** An applied configuration; it is YAML, of which the double reads the part that is JSON. */
  ObjectNode applied() {
    JsonNode node;
    try {
      node = mapper.readTree(text);
    } catch (JsonProcessingException e) {
      throw ApiFailure.notSimulated("applied configurations that are YAML and not JSON");
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw ApiFailure.badRequest(
        "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            + goKind(node)
            + " into Go value of type map[string]interface {}");
  }

  private void requireJson() {
    switch (contentType) {
      case "", "application/json" -> {}
      case "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor" ->
          throw ApiFailure.notSimulated("bodies of type " + contentType);
      default -> throw ApiFailure.unsupportedBody();
    }
  }

  private static String goKind(JsonNode node) {
    return node.isBoolean() ? "bool" : node.getNodeType().toString().toLowerCase(Locale.ROOT);
  }
}
