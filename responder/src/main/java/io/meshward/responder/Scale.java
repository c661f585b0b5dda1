package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The {@code /scale} of a target's workload (autoscaling/v1).
 *
 * @param owner the workload, of exactly this uid
 * @param path where it is
 */
record Scale(OwnerRef owner, String path) {
  private static final Map<String, String> PLURALS =
      Map.of(
          "Deployment", "deployments",
          "StatefulSet", "statefulsets",
          "ReplicaSet", "replicasets");

  /** What the API has to allow to read and change it. */
  static List<Permission> permissions() {
    return PLURALS.values().stream()
        .sorted()
        .map(plural -> plural + "/scale")
        .flatMap(
            scale ->
                Stream.of(
                    new Permission("apps", scale, "get"), new Permission("apps", scale, "patch")))
        .toList();
  }

  /**
   * What it says.
   *
   * @param replicas how many are wanted
   * @param running how many there are
   * @param selector which pods they are
   */
  record State(String uid, String version, int replicas, int running, String selector) {
    private static State of(JsonNode json) {
      return new State(
          json.at("/metadata/uid").asText(),
          json.at("/metadata/resourceVersion").asText(),
          json.at("/spec/replicas").asInt(0),
          json.at("/status/replicas").asInt(0),
          json.at("/status/selector").asText(""));
    }
  }

  /** What came of reading it. */
  sealed interface Reading {
    /** It is the one that is meant. */
    record Found(State state) implements Reading {}

    /** There is no workload of that name. */
    record Gone(String words) implements Reading {}

    /** There is another workload of that name. */
    record Replaced(String words) implements Reading {}

    /** The API did not say. */
    record Unread(ApiResult answer) implements Reading {}
  }

  /** The scale of a target; empty if it is no workload that can be scaled. */
  static Optional<Scale> of(Target target) {
    OwnerRef owner = target.owner();
    String plural = owner == null ? null : PLURALS.get(owner.kind());
    return owner == null || plural == null || target.namespace() == null
        ? Optional.empty()
        : Optional.of(
            new Scale(
                owner,
                "/apis/apps/v1/namespaces/"
                    + KubernetesApi.segment(target.namespace())
                    + "/"
                    + plural
                    + "/"
                    + KubernetesApi.segment(owner.name())
                    + "/scale"));
  }

  /**
   * The scale of a target that is known to have one.
   *
   * @throws IllegalArgumentException if it has none
   */
  static Scale required(Target target) {
    return of(target)
        .orElseThrow(
            () -> new IllegalArgumentException("target is " + target + ": expected a workload"));
  }

  /** Reads it. */
  Reading read(KubernetesApi api, Retry retry) {
    ApiResult answer = retry.ask(() -> api.get(path));
    return switch (answer) {
      case ApiResult.Ok(JsonNode body) -> {
        State state = State.of(body);
        yield state.uid().equals(owner.uid()) ? new Reading.Found(state) : replaced();
      }
      case ApiResult.Absent _ -> gone();
      case ApiResult.Replaced _,
          ApiResult.Conflict _,
          ApiResult.Refused _,
          ApiResult.Unavailable _,
          ApiResult.Unknown _ ->
          new Reading.Unread(answer);
    };
  }

  /** Sets how many are wanted, if nothing was changed since a version. */
  ApiResult set(KubernetesApi api, String version, int replicas) {
    ObjectNode patch = patch(replicas);
    patch.withObject("metadata").put("resourceVersion", version);
    return api.mergePatch(path, patch, false);
  }

  /** Asks whether the server would set it, whatever was changed meanwhile. */
  ApiResult tryOut(KubernetesApi api, int replicas) {
    return api.mergePatch(path, patch(replicas), true);
  }

  private ObjectNode patch(int replicas) {
    ObjectNode patch = EventCodec.object();
    patch.putObject("metadata").put("uid", owner.uid());
    patch.putObject("spec").put("replicas", replicas);
    return patch;
  }

  Reading.Gone gone() {
    return new Reading.Gone("superseded: " + owner.kind() + " " + owner.name() + " is gone");
  }

  Reading.Replaced replaced() {
    return new Reading.Replaced(
        "superseded: " + owner.kind() + " " + owner.name() + " is another one by now");
  }
}
