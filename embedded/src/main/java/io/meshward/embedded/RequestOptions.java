package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.WriteOptions.FieldValidation;
import java.util.List;

/**
 * Reads the options of a request from its query (and a deletion's from its body), with the server's
 * complaints about wrong ones.
 */
final class RequestOptions {

  private static final int MAX_FIELD_MANAGER = 128;

  private RequestOptions() {}

  /**
   * The options of a write.
   *
   * @param kind CreateOptions, UpdateOptions or PatchOptions
   * @param userAgent whose first word is the field manager where the query names none
   */
  static WriteOptions write(ApiCall call, String kind, String userAgent, boolean apply) {
    List<String> dryRun = call.query().getOrDefault("dryRun", List.of());
    checkDryRun(dryRun, kind);
    String manager = call.parameter("fieldManager").orElse("");
    if (manager.length() > MAX_FIELD_MANAGER) {
      throw ApiFailure.invalidOptions(
          kind, Cause.tooLong("fieldManager", "may not be more than 128 bytes"));
    }
    if (apply && manager.isEmpty()) {
      throw ApiFailure.invalidOptions(
          kind, Cause.required("fieldManager", "is required for apply patch"));
    }
    if (!apply && call.query().containsKey("force") && kind.equals("PatchOptions")) {
      throw ApiFailure.invalidOptions(
          kind, Cause.forbidden("force", "may not be specified for non-apply patch"));
    }
    String validation = call.parameter("fieldValidation").orElse("Warn");
    FieldValidation fieldValidation =
        switch (validation) {
          case "Ignore" -> FieldValidation.IGNORE;
          case "Warn" -> FieldValidation.WARN;
          case "Strict" -> FieldValidation.STRICT;
          default ->
              throw ApiFailure.invalidOptions(
                  kind,
                  Cause.unsupported(
                      "fieldValidation",
                      '"' + validation + '"',
                      List.of("", "Ignore", "Strict", "Warn")));
        };
    String byAgent = userAgent.split("/", 2)[0];
    String fallback =
        byAgent.length() > MAX_FIELD_MANAGER ? byAgent.substring(0, MAX_FIELD_MANAGER) : byAgent;
    return new WriteOptions(
        manager.isEmpty() ? fallback : manager,
        !dryRun.isEmpty(),
        fieldValidation,
        call.flag("force"));
  }

  /** The options of a deletion; a body takes the place of the query. */
  static DeleteOptions delete(ApiCall call, JsonNode body) {
    if (body instanceof ObjectNode options) {
      return fromBody(options);
    }
    List<String> dryRun = call.query().getOrDefault("dryRun", List.of());
    checkDryRun(dryRun, "DeleteOptions");
    return new DeleteOptions(
        null,
        null,
        call.number("gracePeriodSeconds").orElse(null),
        propagation(
            call.parameter("propagationPolicy").orElse(""),
            call.query().containsKey("orphanDependents")),
        !dryRun.isEmpty());
  }

  /** The options of a deletion in a body: of a DELETE, or within an eviction. */
  static DeleteOptions fromBody(ObjectNode body) {
    String kind = body.path("kind").asText("DeleteOptions");
    if (!kind.equals("DeleteOptions")) {
      String version = body.path("apiVersion").asText("meta.k8s.io/v1");
      throw ApiFailure.badRequest(
          "no kind \"" + kind + "\" is registered for version \"" + version + '"');
    }
    ObjectNode options;
    try {
      options = ObjectDecoder.decode(body, ResourceCatalogue.struct("DeleteOptions")).object();
    } catch (ObjectDecoder.TypeMismatch e) {
      throw ApiFailure.badRequest(
          "DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: "
              + e.explanation());
    }
    List<String> dryRun = new java.util.ArrayList<>();
    options.path("dryRun").forEach(d -> dryRun.add(d.asText()));
    checkDryRun(dryRun, "DeleteOptions");
    JsonNode preconditions = options.path("preconditions");
    return new DeleteOptions(
        preconditions.has("uid") ? preconditions.get("uid").asText() : null,
        preconditions.has("resourceVersion") ? preconditions.get("resourceVersion").asText() : null,
        options.has("gracePeriodSeconds") ? options.get("gracePeriodSeconds").asLong() : null,
        propagation(options.path("propagationPolicy").asText(), options.has("orphanDependents")),
        !dryRun.isEmpty());
  }

  private static void checkDryRun(List<String> values, String kind) {
    if (!values.stream().allMatch("All"::equals)) {
      String given =
          "[" + String.join(", ", values.stream().map(v -> '"' + v + '"').toList()) + "]";
      throw ApiFailure.invalidOptions(kind, Cause.unsupported("dryRun", given, List.of("All")));
    }
  }

  private static DeleteOptions.Propagation propagation(String policy, boolean orphanGiven) {
    if (!policy.isEmpty() && orphanGiven) {
      throw ApiFailure.invalidOptions(
          "DeleteOptions",
          Cause.invalid(
              "propagationPolicy",
              '"' + policy + '"',
              "orphanDependents and deletionPropagation cannot be both set"));
    }
    if (orphanGiven) {
      throw ApiFailure.notSimulated("the deprecated option orphanDependents");
    }
    return switch (policy) {
      case "" -> DeleteOptions.Propagation.BACKGROUND;
      case "Background" -> DeleteOptions.Propagation.BACKGROUND;
      case "Foreground" -> DeleteOptions.Propagation.FOREGROUND;
      case "Orphan" -> DeleteOptions.Propagation.ORPHAN;
      default ->
          throw ApiFailure.invalidOptions(
              "DeleteOptions",
              Cause.unsupported(
                  "propagationPolicy",
                  '"' + policy + '"',
                  List.of("Foreground", "Background", "Orphan", "nil")));
    };
  }
}
