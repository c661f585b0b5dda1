package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiFunction;

/** The pod that is isolated: its labels, and its end. Blocking; thread-safe. */
final class IsolatedPod {
  static final String UNSEEN = "not all is seen yet of what owns and selects the pod";

  private final KubernetesApi api;
  private final BiFunction<Target, PodFacts, Optional<Preparation.Ready>> ready;

  /**
   * The pods of a cluster.
   *
   * @param ready what isolating a pod as it is now takes; empty while that is not known
   */
  IsolatedPod(KubernetesApi api, BiFunction<Target, PodFacts, Optional<Preparation.Ready>> ready) {
    this.api = api;
    this.ready = ready;
  }

  /** Puts the label on, and takes off what picks the pod. */
  Outcome label(StepContext step, ObjectNode prior, boolean resumed, Retry retry) {
    String version = prior.path("resource_version").asText();
    boolean readBack = resumed;
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(Isolation.podPath(step.target())));
        if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
          return read instanceof ApiResult.Absent
              ? new Outcome.Failed(gone(step.target()))
              : IsolationPolicy.unread(read);
        }
        if (!pod.at("/metadata/uid").asText().equals(step.target().podUid())) {
          return new Outcome.Failed(superseded(step.target()));
        }
        if (Isolation.labelled(pod, step)) {
          return new Outcome.Done("isolated, as read back");
        }
        if (!pod.at("/metadata/resourceVersion").asText().equals(version)) {
          return ready
              .apply(step.target(), PodFacts.of(pod))
              .<Outcome>map(now -> new Outcome.Changed(now.prior().put("policy", true), now.diff()))
              .orElseGet(() -> new Outcome.Later(UNSEEN));
        }
      }
      ApiResult written =
          retry.ask(
              () ->
                  api.mergePatch(
                      Isolation.podPath(step.target()),
                      Isolation.isolation(step, prior, version),
                      false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("isolated");
        }
        case ApiResult.Replaced replaced -> {
          return new Outcome.Failed(superseded(step.target()));
        }
        case ApiResult.Absent absent -> {
          return new Outcome.Failed(gone(step.target()));
        }
        case ApiResult.Refused refused -> {
          return new Outcome.Failed(refused.words());
        }
        case ApiResult.Unavailable unavailable -> {
          return new Outcome.Later(unavailable.message());
        }
        case ApiResult.Conflict _, ApiResult.Unknown _ -> readBack = true;
      }
    } while (retry.timeLeft());
    return new Outcome.Later("not done within " + step.timeout());
  }

  /**
   * Gives the pod its labels back, if it was isolated: at once its replica set takes it back and
   * deletes the replacement, which is younger.
   *
   * @return false if that is not known to be so
   */
  boolean restore(StepContext step, ObjectNode prior, Retry retry) {
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.podPath(step.target())));
      if (read instanceof ApiResult.Absent) {
        return true;
      }
      if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
        return false;
      }
      if (!pod.at("/metadata/uid").asText().equals(step.target().podUid())
          || !Isolation.labelled(pod, step)) {
        return true;
      }
      ApiResult written =
          retry.ask(
              () ->
                  api.mergePatch(
                      Isolation.podPath(step.target()),
                      Isolation.restoration(
                          step, prior, pod.at("/metadata/resourceVersion").asText()),
                      false));
      if (written instanceof ApiResult.Refused) {
        return false;
      }
    } while (retry.pause(Duration.ZERO));
    return false;
  }

  /** Deletes the pod and waits until it is gone: until then it must stay cut off. */
  Outcome end(StepContext step, Retry retry) {
    Target target = step.target();
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.podPath(target)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("pod " + target.pod() + " is gone");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
        return IsolationPolicy.unread(read);
      }
      if (!pod.at("/metadata/uid").asText().equals(target.podUid())) {
        return new Outcome.Done("pod " + target.pod() + " is another one by now");
      }
      if (!Isolation.labelled(pod, step)) {
        return new Outcome.Done("pod " + target.pod() + " was never isolated, or is no longer");
      }
      if (pod.at("/metadata/deletionTimestamp").isMissingNode()) {
        ApiResult deleted =
            retry.ask(
                () ->
                    api.delete(Isolation.podPath(target), String.valueOf(target.podUid()), false));
        if (deleted instanceof ApiResult.Refused refused) {
          return new Outcome.Failed(refused.words());
        }
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("pod " + target.pod() + " is still terminating");
  }

  /** Nothing would replace the pod: it stays, and its label goes. */
  Outcome unlabel(StepContext step, Retry retry) {
    Target target = step.target();
    do {
      ApiResult read = retry.ask(() -> api.get(Isolation.podPath(target)));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("pod " + target.pod() + " is gone");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode pod))) {
        return IsolationPolicy.unread(read);
      }
      if (!pod.at("/metadata/uid").asText().equals(target.podUid())
          || !Isolation.labelled(pod, step)) {
        return new Outcome.Done("pod " + target.pod() + " is not isolated");
      }
      ObjectNode patch = EventCodec.object();
      patch
          .putObject("metadata")
          .put("uid", target.podUid())
          .put("resourceVersion", pod.at("/metadata/resourceVersion").asText())
          .putObject("labels")
          .putNull(Annotations.CONTAINMENT);
      ApiResult written = retry.ask(() -> api.mergePatch(Isolation.podPath(target), patch, false));
      if (written instanceof ApiResult.Refused refused) {
        return new Outcome.Failed(refused.words());
      }
    } while (retry.pause(Duration.ZERO));
    return new Outcome.Later("pod " + target.pod() + " is still isolated");
  }

  static String superseded(Target target) {
    return "superseded: pod " + target.pod() + " is another one by now";
  }

  static String gone(Target target) {
    return "superseded: pod " + target.pod() + " is gone";
  }
}
