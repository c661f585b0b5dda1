package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.Containment.Level;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a workload runs as many pods as it was scaled to; none means none, not even one that
 * still terminates. Blocking; thread-safe.
 */
final class ScaleVerifier {
  private static final Duration LOOK_AGAIN = Duration.ofMillis(500);

  private final KubernetesApi api;
  private final ClusterView view;
  private final InstantSource clock;

  ScaleVerifier(KubernetesApi api, ClusterView view, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.clock = clock;
  }

  /** Looks until the effect shows or the step's time is over. */
  Verification verify(StepContext step, int wanted) {
    Scale scale = Scale.required(step.target());
    Retry retry = step.retry();
    String missing = "not looked at";
    try {
      do {
        if (wanted == 0) {
          boolean _ =
              view.await(() -> alive(scale.owner().uid()).isEmpty(), min(retry.left(), LOOK_AGAIN));
        }
        missing = missing(step.target(), scale, wanted, retry);
        if (missing.isEmpty()) {
          return new Verification(
              Level.EFFECT,
              true,
              wanted == 0 ? "no pods are left" : wanted + " replicas run",
              clock.instant(),
              EventCodec.object().put("replicas", wanted));
        }
      } while (retry.pause(Duration.ZERO));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new Verification(Level.EFFECT, false, missing, clock.instant(), null);
  }

  /** What is missing from the effect; empty if nothing is. */
  private String missing(Target target, Scale scale, int wanted, Retry retry) {
    return switch (scale.read(api, retry)) {
      case Scale.Reading.Gone gone -> gone.words();
      case Scale.Reading.Replaced replaced -> replaced.words();
      case Scale.Reading.Unread(ApiResult answer) -> answer.words();
      case Scale.Reading.Found(Scale.State now) -> {
        if (now.replicas() != wanted || now.running() != wanted) {
          yield "replicas are " + now.running() + " of " + now.replicas() + ", expected " + wanted;
        }
        yield wanted > 0 ? "" : podsLeft(target, scale.owner(), now.selector(), retry);
      }
    };
  }

  private String podsLeft(Target target, OwnerRef owner, String selector, Retry retry) {
    ApiResult listed =
        retry.ask(
            () ->
                api.get(
                    "/api/v1/namespaces/"
                        + KubernetesApi.segment(String.valueOf(target.namespace()))
                        + "/pods?labelSelector="
                        + KubernetesApi.segment(selector)));
    if (!(listed instanceof ApiResult.Ok(JsonNode pods))) {
      return listed.words();
    }
    List<String> left = new ArrayList<>();
    for (JsonNode pod : pods.path("items")) {
      if (belongs(pod, owner.uid())) {
        left.add(
            pod.at("/metadata/name").asText()
                + (pod.at("/metadata/deletionTimestamp").isMissingNode() ? "" : " (terminating)")
                + " on "
                + pod.at("/spec/nodeName").asText("no node"));
      }
    }
    return left.isEmpty() ? "" : "pods are left: " + String.join(", ", left);
  }

  /** A pod that the view does not know counts as the owner's: that is the careful answer. */
  private boolean belongs(JsonNode pod, String ownerUid) {
    return view.pod(pod.at("/metadata/uid").asText())
        .map(known -> known.target().owner())
        .map(owner -> owner.uid().equals(ownerUid))
        .orElse(true);
  }

  private List<Inventory> alive(String ownerUid) {
    return view.podsOf(ownerUid).stream()
        .filter(pod -> pod.valid().to() == null)
        .filter(pod -> !pod.pod().labels().containsKey(Annotations.CONTAINMENT))
        .toList();
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
