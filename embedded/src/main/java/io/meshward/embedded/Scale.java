package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The {@code scale} subresource: an {@code autoscaling/v1} view of a workload's replica count,
 * whose writes lock and change the workload.
 */
final class Scale {

  private static final String GROUP = "autoscaling";

  private final Registry registry;

  Scale(Registry registry) {
    this.registry = registry;
  }

  /** The view of that workload. */
  static ObjectNode of(ApiObject workload) {
    ObjectNode scale = JsonNodeFactory.instance.objectNode();
    scale.put("kind", "Scale").put("apiVersion", GROUP + "/v1");
    ObjectNode metadata = scale.putObject("metadata");
    for (String field :
        List.of("name", "namespace", "uid", "resourceVersion", "creationTimestamp")) {
      metadata.set(field, workload.metadata().path(field));
    }
    ObjectNode spec = scale.putObject("spec");
    long replicas = workload.json().path("spec").path("replicas").asLong();
    if (replicas != 0) {
      spec.put("replicas", replicas);
    }
    scale
        .putObject("status")
        .put("replicas", workload.json().path("status").path("replicas").asLong())
        .put(
            "selector", LabelSelector.of(workload.json().path("spec").path("selector")).toString());
    return scale;
  }

  /**
   * Writes what the change makes of the current scale.
   *
   * @param put the change is a whole new scale, whose uid is then the store's precondition
   */
  ObjectNode update(
      ResourceType type,
      String namespace,
      String name,
      boolean put,
      UnaryOperator<ObjectNode> change,
      WriteOptions options) {
    ApiObject written =
        registry.updateSubresource(
            type,
            namespace,
            name,
            "scale",
            workload -> {
              ObjectNode proposed = change.apply(of(workload));
              ApiObject scale = decoded(proposed, put);
              check(scale, workload);
              if (!scale.uid().isEmpty() && !scale.uid().equals(workload.uid())) {
                throw put
                    ? Registry.storageConflict(type, namespace, name, scale.uid(), workload.uid())
                    : ApiFailure.conflict(
                        type.group(),
                        type.plural() + "/scale",
                        name,
                        "Precondition failed: UID in precondition: "
                            + scale.uid()
                            + ", UID in object meta: "
                            + workload.uid());
              }
              workload.spec().put("replicas", scale.json().path("spec").path("replicas").asLong());
              workload.metadata().put("resourceVersion", scale.resourceVersion());
            },
            options);
    return of(written);
  }

  private static ApiObject decoded(ObjectNode proposed, boolean put) {
    String kind = proposed.path("kind").asText("Scale");
    String apiVersion = proposed.path("apiVersion").asText(GROUP + "/v1");
    if (!kind.equals("Scale") || !apiVersion.equals(GROUP + "/v1")) {
      String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
      throw ApiFailure.badRequest(
          kind
              + " in version \""
              + version
              + "\" cannot be handled as a Scale: converting ("
              + version
              + "."
              + kind
              + ") to (autoscaling.Scale): unknown conversion");
    }
    try {
      return new ApiObject(
          ObjectDecoder.decode(proposed, ResourceCatalogue.struct("Scale")).object());
    } catch (ObjectDecoder.TypeMismatch e) {
      throw put
          ? ApiFailure.badRequest(
              "Scale in version \"v1\" cannot be handled as a Scale: " + e.explanation())
          : ApiFailure.invalid(
              "", "", "", List.of(Cause.invalid("patch", quoted(proposed), e.explanation())));
    }
  }

  private static String quoted(JsonNode node) {
    return JsonNodeFactory.instance.textNode(node.toString()).toString();
  }

  private static void check(ApiObject scale, ApiObject workload) {
    if (scale.name().isEmpty()) {
      throw ApiFailure.badRequest(
          "the name of the object ("
              + workload.name()
              + " based on URL) was undeterminable: name must be provided");
    }
    if (!scale.name().equals(workload.name())) {
      throw ApiFailure.badRequest(
          "the name of the object ("
              + scale.name()
              + ") does not match the name on the URL ("
              + workload.name()
              + ")");
    }
    if (!scale.namespace().isEmpty() && !scale.namespace().equals(workload.namespace())) {
      throw ApiFailure.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    long replicas = scale.json().path("spec").path("replicas").asLong();
    if (replicas < 0) {
      throw ApiFailure.invalid(
          GROUP,
          "Scale",
          workload.name(),
          List.of(
              Cause.invalid(
                  "spec.replicas", Long.toString(replicas), "must be greater than or equal to 0")));
    }
  }
}
