package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * {@code workload.scale}: sets the number of replicas through {@code /scale}, and remembers how
 * many there were. Of several containments of one workload the first one's memory counts.
 *
 * <p>What is stored before: {@code restore} (how many to go back to), {@code observed} (how many
 * there were when it was stored), {@code uid} and {@code resource_version}.
 */
final class ScaleAction implements ClusterAction {
  static final String NAME = "workload.scale";

  private static final Map<String, String> PLURALS =
      Map.of(
          "Deployment", "deployments",
          "StatefulSet", "statefulsets",
          "ReplicaSet", "replicasets");
  private static final Duration LOOK_AGAIN = Duration.ofMillis(500);

  private final KubernetesApi api;
  private final ClusterView view;
  private final InstantSource clock;

  ScaleAction(KubernetesApi api, ClusterView view, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.clock = clock;
  }

  /** What {@code /scale} says. */
  private record Scale(String uid, String version, int replicas, int running, String selector) {
    static Scale of(JsonNode json) {
      return new Scale(
          json.at("/metadata/uid").asText(),
          json.at("/metadata/resourceVersion").asText(),
          json.at("/spec/replicas").asInt(0),
          json.at("/status/replicas").asInt(0),
          json.at("/status/selector").asText(""));
    }
  }

  @Override
  public Optional<Preparation.Ready> foresee(StepContext step) {
    OwnerRef owner = step.target().owner();
    return owner == null || path(step.target()) == null
        ? Optional.empty()
        : view.workload(owner.uid())
            .map(seen -> ready(step, seen.resourceVersion(), seen.replicas()));
  }

  @Override
  public Preparation prepare(StepContext step) {
    OwnerRef owner = step.target().owner();
    if (owner == null || path(step.target()) == null) {
      return new Preparation.Impossible(
          "a " + (owner == null ? "target without owner" : owner.kind()) + " cannot be scaled");
    }
    Retry retry = new Retry(step.timeout());
    return switch (retry.ask(() -> api.get(String.valueOf(path(step.target()))))) {
      case ApiResult.Ok(JsonNode body) when Scale.of(body).uid().equals(owner.uid()) ->
          ready(step, Scale.of(body).version(), Scale.of(body).replicas());
      case ApiResult.Ok ok -> new Preparation.Impossible(superseded(owner));
      case ApiResult.Absent absent -> new Preparation.Impossible(gone(owner));
      case ApiResult.Unavailable unavailable -> new Preparation.Later(unavailable.message());
      case ApiResult.Unknown unknown -> new Preparation.Later(unknown.message());
      case ApiResult.Replaced other -> new Preparation.Impossible(other.message());
      case ApiResult.Conflict other -> new Preparation.Impossible(other.message());
      case ApiResult.Refused refused -> new Preparation.Impossible(refused.words());
    };
  }

  private static Preparation.Ready ready(StepContext step, String version, int observed) {
    ObjectNode prior = prior(step, version, observed);
    return new Preparation.Ready(prior, diff(step, prior));
  }

  private static ObjectNode prior(StepContext step, String version, int observed) {
    ObjectNode memory = step.memory();
    return EventCodec.object()
        .put("restore", memory == null ? observed : memory.path("restore").asInt())
        .put("observed", observed)
        .put("uid", owner(step.target()).uid())
        .put("resource_version", version);
  }

  private static String diff(StepContext step, ObjectNode prior) {
    OwnerRef owner = owner(step.target());
    int restore = prior.path("restore").asInt();
    int observed = prior.path("observed").asInt();
    return owner.kind()
        + " "
        + step.target().namespace()
        + "/"
        + owner.name()
        + ": replicas "
        + observed
        + " → "
        + wanted(step)
        + (restore == observed ? "" : ", " + restore + " to be restored");
  }

  @Override
  public Outcome tryOut(StepContext step, ObjectNode prior) {
    ApiResult result =
        new Retry(step.timeout())
            .ask(() -> patch(step, prior.path("resource_version").asText(), wanted(step), true));
    return switch (result) {
      case ApiResult.Ok ok -> new Outcome.Done("the server would scale to " + wanted(step));
      default -> new Outcome.Failed(result.words());
    };
  }

  @Override
  public Outcome act(StepContext step, ObjectNode prior, boolean resumed) {
    int observed = prior.path("observed").asInt();
    String version = prior.path("resource_version").asText();
    boolean readBack = resumed;
    Retry retry = new Retry(step.timeout());
    do {
      if (readBack) {
        ApiResult read = retry.ask(() -> api.get(String.valueOf(path(step.target()))));
        if (!(read instanceof ApiResult.Ok(JsonNode body))) {
          return unreadable(step, read);
        }
        Scale now = Scale.of(body);
        if (!now.uid().equals(owner(step.target()).uid())) {
          return new Outcome.Failed(superseded(owner(step.target())));
        }
        if (now.replicas() == wanted(step)) {
          return new Outcome.Done("replicas are " + wanted(step) + ", as read back");
        }
        if (now.replicas() != observed) {
          ObjectNode changed = prior(step, now.version(), now.replicas());
          if (prior.path("restore").asInt() != observed) {
            changed.set("restore", prior.get("restore"));
          }
          return new Outcome.Changed(changed, diff(step, changed));
        }
        version = now.version();
      } else if (observed == wanted(step)) {
        // Nothing to write, but the word of an informer is not enough for that.
        readBack = true;
        continue;
      }
      String lock = version;
      ApiResult written = retry.ask(() -> patch(step, lock, wanted(step), false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("replicas " + observed + " → " + wanted(step));
        }
        case ApiResult.Replaced replaced -> {
          return new Outcome.Failed(superseded(owner(step.target())));
        }
        case ApiResult.Absent absent -> {
          return new Outcome.Failed(gone(owner(step.target())));
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

  private static Outcome unreadable(StepContext step, ApiResult read) {
    return switch (read) {
      case ApiResult.Absent absent -> new Outcome.Failed(gone(owner(step.target())));
      case ApiResult.Refused refused -> new Outcome.Failed(refused.words());
      case ApiResult.Ok _,
          ApiResult.Replaced _,
          ApiResult.Conflict _,
          ApiResult.Unavailable _,
          ApiResult.Unknown _ ->
          new Outcome.Later(read.words());
    };
  }

  @Override
  public Verification verify(StepContext step, ObjectNode prior) {
    int wanted = wanted(step);
    String uid = owner(step.target()).uid();
    Retry retry = new Retry(step.timeout());
    String missing = "not looked at";
    try {
      do {
        if (wanted == 0) {
          boolean _ = view.await(() -> alive(uid).isEmpty(), min(retry.left(), LOOK_AGAIN));
        }
        missing = missing(step, wanted, retry);
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
  private String missing(StepContext step, int wanted, Retry retry) {
    Target target = step.target();
    ApiResult read = retry.ask(() -> api.get(String.valueOf(path(target))));
    if (!(read instanceof ApiResult.Ok(JsonNode body))) {
      return read.words();
    }
    Scale now = Scale.of(body);
    if (now.replicas() != wanted || now.running() != wanted) {
      return "replicas are " + now.running() + " of " + now.replicas() + ", expected " + wanted;
    }
    if (wanted > 0) {
      return "";
    }
    ApiResult listed =
        retry.ask(
            () ->
                api.get(
                    "/api/v1/namespaces/"
                        + KubernetesApi.segment(String.valueOf(target.namespace()))
                        + "/pods?labelSelector="
                        + KubernetesApi.segment(now.selector())));
    if (!(listed instanceof ApiResult.Ok(JsonNode pods))) {
      return listed.words();
    }
    List<String> left = new ArrayList<>();
    for (JsonNode pod : pods.path("items")) {
      if (belongs(pod, owner(target).uid())) {
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
        .map(known -> owner(known.target()).uid().equals(ownerUid))
        .orElse(true);
  }

  private List<Inventory> alive(String ownerUid) {
    return view.podsOf(ownerUid).stream()
        .filter(pod -> pod.valid().to() == null)
        .filter(pod -> !pod.pod().labels().containsKey(Annotations.CONTAINMENT))
        .toList();
  }

  @Override
  public Outcome undo(StepContext step, ObjectNode prior) {
    int restore = prior.path("restore").asInt();
    Retry retry = new Retry(step.timeout());
    do {
      ApiResult read = retry.ask(() -> api.get(String.valueOf(path(step.target()))));
      if (read instanceof ApiResult.Absent) {
        return new Outcome.Done("the workload is gone: nothing to restore");
      }
      if (!(read instanceof ApiResult.Ok(JsonNode body))) {
        return unreadable(step, read);
      }
      Scale now = Scale.of(body);
      if (!now.uid().equals(owner(step.target()).uid())) {
        return new Outcome.Done("the workload was replaced: nothing to restore");
      }
      if (now.replicas() == restore) {
        return new Outcome.Done("replicas are " + restore);
      }
      if (now.replicas() != wanted(step)) {
        return new Outcome.Done("replicas were set to " + now.replicas() + " by somebody else");
      }
      ApiResult written = retry.ask(() -> patch(step, now.version(), restore, false));
      switch (written) {
        case ApiResult.Ok ok -> {
          return new Outcome.Done("replicas " + wanted(step) + " → " + restore);
        }
        case ApiResult.Refused refused -> {
          return new Outcome.Failed(refused.words());
        }
        case ApiResult.Unavailable unavailable -> {
          return new Outcome.Later(unavailable.message());
        }
        case ApiResult.Replaced _,
            ApiResult.Absent _,
            ApiResult.Conflict _,
            ApiResult.Unknown _ -> {}
      }
    } while (retry.timeLeft());
    return new Outcome.Later("not undone within " + step.timeout());
  }

  private ApiResult patch(StepContext step, String version, int replicas, boolean dryRun) {
    ObjectNode patch = EventCodec.object();
    patch
        .putObject("metadata")
        .put("uid", owner(step.target()).uid())
        .put("resourceVersion", version);
    patch.putObject("spec").put("replicas", replicas);
    return api.mergePatch(String.valueOf(path(step.target())), patch, dryRun);
  }

  private static int wanted(StepContext step) {
    return step.parameters().path("replicas").asInt(0);
  }

  private static OwnerRef owner(Target target) {
    OwnerRef owner = target.owner();
    if (owner == null) {
      throw new IllegalArgumentException("target.owner is absent: expected a workload");
    }
    return owner;
  }

  private static @Nullable String path(Target target) {
    OwnerRef owner = owner(target);
    String plural = PLURALS.get(owner.kind());
    return plural == null || target.namespace() == null
        ? null
        : "/apis/apps/v1/namespaces/"
            + KubernetesApi.segment(target.namespace())
            + "/"
            + plural
            + "/"
            + KubernetesApi.segment(owner.name())
            + "/scale";
  }

  private static String superseded(OwnerRef owner) {
    return "superseded: " + owner.kind() + " " + owner.name() + " is another one by now";
  }

  private static String gone(OwnerRef owner) {
    return "superseded: " + owner.kind() + " " + owner.name() + " is gone";
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
