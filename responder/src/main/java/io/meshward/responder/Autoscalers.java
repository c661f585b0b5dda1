package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;

/**
 * What autoscalers (autoscaling/v1 HorizontalPodAutoscaler) want of a workload. One pauses while a
 * workload has no replicas and takes over again once it has some. Blocking; thread-safe.
 */
final class Autoscalers {
  private final KubernetesApi api;

  Autoscalers(KubernetesApi api) {
    this.api = api;
  }

  /** How many replicas a workload must have at least. */
  sealed interface Floor {
    /** No autoscaler targets it. */
    record None() implements Floor {}

    /** An autoscaler wants that many. */
    record Least(int replicas, String autoscaler) implements Floor {}

    /** The API did not say. */
    record Unread(ApiResult answer) implements Floor {}
  }

  /** What the autoscalers of a target's workload want. */
  Floor floor(Target target, Retry retry) {
    OwnerRef owner = target.owner();
    if (owner == null || target.namespace() == null) {
      return new Floor.None();
    }
    String path =
        "/apis/autoscaling/v1/namespaces/"
            + KubernetesApi.segment(target.namespace())
            + "/horizontalpodautoscalers";
    ApiResult answer = retry.ask(() -> api.get(path));
    return switch (answer) {
      case ApiResult.Ok(JsonNode list) -> floor(list, owner);
      case ApiResult.Absent _ -> new Floor.None();
      case ApiResult.Replaced _,
          ApiResult.Conflict _,
          ApiResult.Refused _,
          ApiResult.Unavailable _,
          ApiResult.Unknown _ ->
          new Floor.Unread(answer);
    };
  }

  private static Floor floor(JsonNode list, OwnerRef owner) {
    for (JsonNode autoscaler : list.path("items")) {
      JsonNode reference = autoscaler.at("/spec/scaleTargetRef");
      if (reference.path("apiVersion").asText().startsWith("apps/")
          && reference.path("kind").asText().equals(owner.kind())
          && reference.path("name").asText().equals(owner.name())) {
        return new Floor.Least(
            autoscaler.at("/spec/minReplicas").asInt(1), autoscaler.at("/metadata/name").asText());
      }
    }
    return new Floor.None();
  }
}
