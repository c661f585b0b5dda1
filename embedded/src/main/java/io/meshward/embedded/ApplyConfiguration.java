package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.KindDecoder.Decoded;
import io.meshward.embedded.KindDecoder.Origin;
import io.meshward.embedded.WriteOptions.FieldValidation;

/**
 * What a client applies.
 *
 * @param values the fields that it names
 * @param fields the same as paths; an empty collection is a field too
 */
record ApplyConfiguration(ObjectNode values, FieldSet fields) {

  /**
   * Reads an applied configuration, in which nothing may be unknown.
   *
   * @throws ApiFailure 400 or 500, as the real server
   */
  static ApplyConfiguration parse(
      ObjectNode config, ResourceType type, String namespace, String name) {
    String apiVersion = config.path("apiVersion").asText();
    String kind = config.path("kind").asText();
    if (!apiVersion.equals(type.apiVersion()) || !kind.equals(type.kind())) {
      String groupVersion = apiVersion.contains("/") ? apiVersion : "/" + apiVersion;
      throw ApiFailure.badRequest("invalid object type: " + groupVersion + ", Kind=" + kind);
    }
    if (config.path("metadata").has("managedFields")) {
      throw ApiFailure.badRequest("metadata.managedFields must be nil");
    }
    FieldSet fields;
    Decoded decoded;
    try {
      ObjectDecoder.decode(config, type.struct());
      decoded = KindDecoder.of(type).decode(config, Origin.BODY, FieldValidation.IGNORE);
      fields = TypedFields.of(config, type.struct());
    } catch (ObjectDecoder.TypeMismatch e) {
      throw untyped(config, type, e.explanation());
    }
    if (!decoded.unknownFields().isEmpty()) {
      throw untyped(
          config,
          type,
          "." + decoded.unknownFields().getFirst() + ": field not declared in schema");
    }
    KindDecoder.checkAddress(decoded.object(), namespace, name);
    return new ApplyConfiguration(config, fields);
  }

  private static ApiFailure untyped(ObjectNode config, ResourceType type, String why) {
    ApiObject object = new ApiObject(config);
    return ApiFailure.internal(
        "failed to create typed patch object ("
            + object.namespace()
            + "/"
            + object.name()
            + "; "
            + type.apiVersion()
            + ", Kind="
            + type.kind()
            + "): "
            + why);
  }
}
