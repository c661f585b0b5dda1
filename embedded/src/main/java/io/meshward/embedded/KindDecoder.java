package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.SchemaType.Struct;
import io.meshward.embedded.WriteOptions.FieldValidation;
import java.util.List;

/**
 * Turns a client's JSON into an object of the kind that its request is about, or into the server's
 * complaint.
 */
record KindDecoder(String apiVersion, String kind, Struct struct) {

  /** Where the JSON comes from, on which the complaint depends. */
  enum Origin {
    BODY,
    PATCH
  }

  /**
   * What the server read.
   *
   * @param warnings what it tells the client about fields that it dropped
   */
  record Decoded(ApiObject object, List<String> unknownFields, List<String> warnings) {}

  static KindDecoder of(ResourceType type) {
    return new KindDecoder(type.apiVersion(), type.kind(), type.struct());
  }

  /**
   * Reads an object; kind and version are filled in where they are missing.
   *
   * @throws ApiFailure 400 for a body, 422 for the outcome of a patch, if it is of another kind,
   *     has a value of the wrong type, or has unknown fields that the client does not want to be
   *     ignored
   */
  Decoded decode(ObjectNode json, Origin origin, FieldValidation validation) {
    checkKind(json, origin);
    ObjectDecoder.Decoded decoded;
    try {
      decoded = ObjectDecoder.decode(json, struct);
    } catch (ObjectDecoder.TypeMismatch e) {
      throw undecodable(json, origin, e.explanation());
    }
    List<String> unknown =
        decoded.unknownFields().stream().map(f -> "unknown field \"" + f + '"').toList();
    if (validation == FieldValidation.STRICT && !unknown.isEmpty()) {
      throw undecodable(json, origin, "strict decoding error: " + String.join(", ", unknown));
    }
    return new Decoded(
        new ApiObject(decoded.object()),
        decoded.unknownFields(),
        validation == FieldValidation.WARN ? unknown : List.of());
  }

  private void checkKind(ObjectNode json, Origin origin) {
    String givenKind = json.path("kind").asText("");
    String givenVersion = json.path("apiVersion").asText("");
    if (givenKind.isEmpty()) {
      json.put("kind", kind);
    }
    if (givenVersion.isEmpty()) {
      json.put("apiVersion", apiVersion);
    }
    boolean fits =
        (givenKind.isEmpty() || givenKind.equals(kind))
            && (givenVersion.isEmpty() || givenVersion.equals(apiVersion));
    if (!fits) {
      String why =
          switch (origin) {
            case BODY ->
                "converting ("
                    + bare(givenVersion)
                    + "."
                    + givenKind
                    + ") to ("
                    + group()
                    + "."
                    + kind
                    + "): unknown conversion";
            case PATCH ->
                "no kind \"" + givenKind + "\" is registered for version \"" + givenVersion + '"';
          };
      throw undecodable(json, origin, why);
    }
  }

  private ApiFailure undecodable(ObjectNode json, Origin origin, String why) {
    return switch (origin) {
      case BODY ->
          ApiFailure.badRequest(
              json.path("kind").asText()
                  + " in version \""
                  + bare(json.path("apiVersion").asText())
                  + "\" cannot be handled as a "
                  + kind
                  + ": "
                  + why);
      case PATCH -> ApiFailure.invalidPatch(json, why);
    };
  }

  /**
   * Checks that the object is the one that the URL names.
   *
   * @param namespace empty for a kind without namespaces
   * @throws ApiFailure 400
   */
  static void checkAddress(ApiObject object, String namespace, String name) {
    if (object.name().isEmpty()) {
      throw ApiFailure.badRequest(
          "the name of the object ("
              + name
              + " based on URL) was undeterminable: name must be provided");
    }
    if (!object.name().equals(name)) {
      throw ApiFailure.badRequest(
          "the name of the object ("
              + object.name()
              + ") does not match the name on the URL ("
              + name
              + ")");
    }
    checkNamespace(object, namespace);
  }

  /**
   * Checks that the object is for the namespace that the URL names.
   *
   * @throws ApiFailure 400
   */
  static void checkNamespace(ApiObject object, String namespace) {
    if (!object.namespace().isEmpty() && !object.namespace().equals(namespace)) {
      throw ApiFailure.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
  }

  private String group() {
    return apiVersion.contains("/") ? apiVersion.split("[./]", 2)[0] : "core";
  }

  private static String bare(String groupVersion) {
    return groupVersion.substring(groupVersion.indexOf('/') + 1);
  }
}
