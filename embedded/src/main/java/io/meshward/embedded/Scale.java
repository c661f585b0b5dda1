package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.KindDecoder.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The {@code scale} subresource: an {@code autoscaling/v1} view of a workload's replica count,
 * whose writes lock and change the workload.
 */
final class Scale {

  /** A written scale, and what the server says about fields that it dropped. */
  record Written(ObjectNode scale, List<String> warnings) {}

  private static final String GROUP = "autoscaling";

  private static final KindDecoder DECODER =
      new KindDecoder(GROUP + "/v1", "Scale", ResourceCatalogue.struct("Scale"));

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
   * @param origin a whole new scale, whose uid is then the store's precondition, or a patched one
   */
  Written update(
      ResourceType type,
      String namespace,
      String name,
      Origin origin,
      UnaryOperator<ObjectNode> change,
      WriteOptions options) {
    List<String> warnings = new ArrayList<>();
    ApiObject written =
        registry.updateSubresource(
            type,
            namespace,
            name,
            "scale",
            workload -> {
              ObjectNode proposed = change.apply(of(workload));
              KindDecoder.Decoded decoded = DECODER.decode(proposed, origin, options.validation());
              ApiObject scale = decoded.object();
              warnings.addAll(decoded.warnings());
              check(scale, workload);
              if (!scale.uid().isEmpty() && !scale.uid().equals(workload.uid())) {
                throw origin == Origin.BODY
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
    return new Written(of(written), warnings);
  }

  private static void check(ApiObject scale, ApiObject workload) {
    KindDecoder.checkAddress(scale, workload.namespace(), workload.name());
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
