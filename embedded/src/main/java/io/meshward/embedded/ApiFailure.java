package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request that the API refuses, with the {@code Status} object that says why in the real server's
 * words.
 */
final class ApiFailure extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** One offending field. */
  record Cause(String reason, String message, String field) {

    static Cause invalid(String field, String value, String detail) {
      return new Cause("FieldValueInvalid", "Invalid value: " + value + ": " + detail, field);
    }

    static Cause required(String field, String detail) {
      return new Cause(
          "FieldValueRequired",
          detail.isEmpty() ? "Required value" : "Required value: " + detail,
          field);
    }

    static Cause unsupported(String field, String value, List<String> supported) {
      String values = supported.stream().map(s -> '"' + s + '"').collect(Collectors.joining(", "));
      return new Cause(
          "FieldValueNotSupported",
          "Unsupported value: " + value + ": supported values: " + values,
          field);
    }

    static Cause forbidden(String field, String detail) {
      return new Cause("FieldValueForbidden", "Forbidden: " + detail, field);
    }

    static Cause tooLong(String field, String detail) {
      return new Cause("FieldValueTooLong", "Too long: " + detail, field);
    }
  }

  private final int code;
  private final String reason;
  private final transient ObjectNode status;
  private final @Nullable Duration retryAfter;

  private ApiFailure(
      int code,
      String reason,
      String message,
      @Nullable ObjectNode details,
      @Nullable Duration retryAfter) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.retryAfter = retryAfter;
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
    node.put("status", "Failure").put("message", message);
    if (!reason.isEmpty()) {
      node.put("reason", reason);
    }
    if (details != null) {
      node.set("details", details);
    }
    node.put("code", code);
    this.status = node;
  }

  /** The HTTP status code. */
  int code() {
    return code;
  }

  /** The reason word, empty where the real server gives none. */
  String reason() {
    return reason;
  }

  ObjectNode status() {
    return status;
  }

  @Nullable Duration retryAfter() {
    return retryAfter;
  }

  static ApiFailure badRequest(String message) {
    return new ApiFailure(400, "BadRequest", message, null, null);
  }

  static ApiFailure notFound(ResourceType type, String name) {
    return new ApiFailure(
        404,
        "NotFound",
        type.qualifiedPlural() + " \"" + name + "\" not found",
        details(name, type.group(), type.plural()),
        null);
  }

  /** A path below {@code /api} or {@code /apis} that no resource answers. */
  static ApiFailure noSuchResource() {
    return new ApiFailure(
        404, "NotFound", "the server could not find the requested resource", empty(), null);
  }

  static ApiFailure methodNotAllowed() {
    return new ApiFailure(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        empty(),
        null);
  }

  static ApiFailure unsupportedMediaType() {
    return new ApiFailure(
        415, "UnsupportedMediaType", "415: Unsupported Media Type", empty(), null);
  }

  static ApiFailure unsupportedBody() {
    return new ApiFailure(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include:"
            + " application/json, application/yaml, application/vnd.kubernetes.protobuf",
        null,
        null);
  }

  static ApiFailure tooLarge(int limit) {
    return new ApiFailure(
        413, "RequestEntityTooLarge", "Request entity too large: limit is " + limit, empty(), null);
  }

  static ApiFailure alreadyExists(ResourceType type, String name) {
    return new ApiFailure(
        409,
        "AlreadyExists",
        type.qualifiedPlural() + " \"" + name + "\" already exists",
        details(name, type.group(), type.plural()),
        null);
  }

  /** A lost optimistic lock. */
  static ApiFailure modified(ResourceType type, String name) {
    return conflict(
        type.group(),
        type.plural(),
        name,
        "the object has been modified; please apply your changes to the latest version and try"
            + " again");
  }

  static ApiFailure conflict(String group, String kind, String name, String why) {
    String qualified = group.isEmpty() ? kind : kind + "." + group;
    return new ApiFailure(
        409,
        "Conflict",
        "Operation cannot be fulfilled on " + qualified + " \"" + name + "\": " + why,
        details(name, group, kind),
        null);
  }

  /** Server-side apply met fields that other managers own. */
  static ApiFailure applyConflict(String message, List<Cause> causes) {
    ObjectNode details = empty();
    details.set("causes", causes(causes));
    return new ApiFailure(409, "Conflict", message, details, null);
  }

  static ApiFailure invalid(String group, String kind, String name, List<Cause> causes) {
    String qualified = group.isEmpty() ? kind : kind + "." + group;
    List<String> lines =
        causes.stream().map(c -> c.field() + ": " + c.message()).distinct().toList();
    String why = lines.size() == 1 ? lines.getFirst() : "[" + String.join(", ", lines) + "]";
    ObjectNode details = details(name, group, kind);
    details.set("causes", causes(causes));
    return new ApiFailure(
        422, "Invalid", qualified + " \"" + name + "\" is invalid: " + why, details, null);
  }

  /** What a patch made of an object cannot be read as one. */
  static ApiFailure invalidPatch(ObjectNode patched, String why) {
    String quoted = JsonNodeFactory.instance.textNode(patched.toString()).toString();
    return invalid("", "", "", List.of(Cause.invalid("patch", quoted, why)));
  }

  /** The options of a request (its query) are invalid. */
  static ApiFailure invalidOptions(String kind, Cause cause) {
    return invalid("meta.k8s.io", kind, "", List.of(cause));
  }

  /** A JSON patch that cannot be applied, its failed {@code test} included. */
  static ApiFailure patchRejected() {
    return new ApiFailure(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        empty(),
        null);
  }

  static ApiFailure forbidden(ResourceType type, String name, String why, @Nullable Cause cause) {
    ObjectNode details = details(name, type.group(), type.plural());
    if (cause != null) {
      details.set("causes", causes(List.of(cause)));
    }
    return new ApiFailure(
        403,
        "Forbidden",
        type.qualifiedPlural() + " \"" + name + "\" is forbidden: " + why,
        details,
        null);
  }

  /** A watch or list from a version that is no longer kept. */
  static ApiFailure expired(String message) {
    return new ApiFailure(410, "Expired", message, null, null);
  }

  static ApiFailure versionTooLarge(long asked, long current) {
    ObjectNode details = empty();
    details.set(
        "causes",
        causes(List.of(new Cause("ResourceVersionTooLarge", "Too large resource version", ""))));
    details.put("retryAfterSeconds", 1);
    return new ApiFailure(
        504,
        "Timeout",
        "Timeout: Too large resource version: " + asked + ", current: " + current,
        details,
        Duration.ofSeconds(1));
  }

  static ApiFailure tooManyRequests(String message, Duration retryAfter) {
    ObjectNode details = empty();
    details.put("retryAfterSeconds", retryAfter.toSeconds());
    return new ApiFailure(429, "TooManyRequests", message, details, retryAfter);
  }

  /** An error without a reason of its own, as the real server answers where it wraps none. */
  static ApiFailure internal(String message) {
    return new ApiFailure(500, "", message, null, null);
  }

  static ApiFailure internalError(String message) {
    return new ApiFailure(
        500, "InternalError", "Internal error occurred: " + message, empty(), null);
  }

  /** What the real server does and this double does not. */
  static ApiFailure notSimulated(String what) {
    return new ApiFailure(501, "NotImplemented", "not simulated: " + what, empty(), null);
  }

  private static ObjectNode empty() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static ObjectNode details(String name, String group, String kind) {
    ObjectNode details = empty();
    if (!name.isEmpty()) {
      details.put("name", name);
    }
    if (!group.isEmpty()) {
      details.put("group", group);
    }
    return kind.isEmpty() ? details : details.put("kind", kind);
  }

  private static ArrayNode causes(List<Cause> causes) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    for (Cause cause : causes) {
      ObjectNode node =
          array.addObject().put("reason", cause.reason()).put("message", cause.message());
      if (!cause.field().isEmpty()) {
        node.put("field", cause.field());
      }
    }
    return array;
  }
}
