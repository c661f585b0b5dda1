package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.responder.ClusterAction.Outcome;
import java.time.Duration;

/**
 * The network policy that denies everything to an isolated pod, by a label of its own. Blocking;
 * thread-safe.
 */
final class IsolationPolicy {
  private final KubernetesApi api;

  IsolationPolicy(KubernetesApi api) {
    this.api = api;
  }

  /** Puts the policy in place. */
  Outcome apply(StepContext step, Retry retry, boolean resumed) {
    boolean readBack = resumed;
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(Isolation.policyPath(step)));
        if (read instanceof ApiResult.Ok(JsonNode found) && Isolation.ours(found, step)) {
          return new Outcome.Done("the policy stands");
        }
      }
      ApiResult written =
          retry.ask(() -> api.apply(Isolation.policyPath(step), Isolation.policy(step), false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("the policy stands");
        }
        case ApiResult.Unavailable unavailable -> {
          return new Outcome.Later(unavailable.message());
        }
        case ApiResult.Replaced _,
            ApiResult.Absent _,
            ApiResult.Conflict _,
            ApiResult.Refused _ -> {
          return new Outcome.Failed(written.words());
        }
        case ApiResult.Unknown _ -> readBack = true;
      }
    } while (retry.timeLeft());
    return new Outcome.Later("no policy within " + step.timeout());
  }

  /** Takes it away, if it is ours. */
  Outcome remove(StepContext step, Retry retry) {
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.policyPath(step)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("the policy is gone");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode found))) {
        return unread(read);
      }
      if (!Isolation.ours(found, step)) {
        return new Outcome.Done("the policy is somebody else's");
      }
      String uid = found.at("/metadata/uid").asText();
      ApiResult deleted = retry.ask(() -> api.delete(Isolation.policyPath(step), uid, false));
      switch (deleted) {
        case ApiResult.Ok _, ApiResult.Absent _ -> {
          return new Outcome.Done("the policy is gone");
        }
        case ApiResult.Refused refused -> {
          return new Outcome.Failed(refused.words());
        }
        case ApiResult.Replaced _,
            ApiResult.Conflict _,
            ApiResult.Unavailable _,
            ApiResult.Unknown _ -> {}
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("the policy is not gone yet");
  }

  /** What a read that found nothing out means. */
  static Outcome unread(ApiResult read) {
    return read instanceof ApiResult.Refused
        ? new Outcome.Failed(read.words())
        : new Outcome.Later(read.words());
  }
}
