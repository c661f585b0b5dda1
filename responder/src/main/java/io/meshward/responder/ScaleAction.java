package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.Containment.Verification;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code workload.scale}: sets the number of replicas through {@code /scale}, and remembers how
 * many there were. Of several containments of one workload the first one's memory counts.
 *
 * <p>What is stored before: {@code restore} (how many to go back to), {@code observed} (how many
 * there were when it was stored), {@code uid} and {@code resource_version}; before it is undone
 * also {@code undo_version} and {@code undo_replicas}. A write is locked with a resourceVersion
 * that was stored, never with one that was only read: whoever lost the partition meanwhile cannot
 * store, and what it still writes fails.
 */
final class ScaleAction implements ClusterAction {
  static final String NAME = "workload.scale";

  private final KubernetesApi api;
  private final ClusterView view;
  private final ScaleVerifier verifier;
  private final Autoscalers autoscalers;

  ScaleAction(KubernetesApi api, ClusterView view, InstantSource clock) {
    this.api = api;
    this.view = view;
    this.verifier = new ScaleVerifier(api, view, clock);
    this.autoscalers = new Autoscalers(api);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Permission> permissions() {
    List<Permission> permissions = new ArrayList<>(Scale.permissions());
    permissions.add(new Permission("", "pods", "list"));
    permissions.add(new Permission("autoscaling", "horizontalpodautoscalers", "list"));
    return permissions;
  }

  @Override
  public Optional<Preparation.Ready> foresee(StepContext step) {
    return Scale.of(step.target())
        .flatMap(scale -> view.workload(scale.owner().uid()))
        .map(seen -> ready(step, seen.resourceVersion(), seen.replicas()));
  }

  @Override
  public Preparation prepare(StepContext step) {
    OwnerRef owner = step.target().owner();
    Optional<Scale> scale = Scale.of(step.target());
    if (owner == null || scale.isEmpty()) {
      return new Preparation.Impossible(
          "a " + (owner == null ? "target without owner" : owner.kind()) + " cannot be scaled");
    }
    return switch (scale.get().read(api, step.retry())) {
      case Scale.Reading.Found(Scale.State now) -> ready(step, now.version(), now.replicas());
      case Scale.Reading.Gone gone -> new Preparation.Impossible(gone.words());
      case Scale.Reading.Replaced replaced -> new Preparation.Impossible(replaced.words());
      case Scale.Reading.Unread(ApiResult.Refused refused) ->
          new Preparation.Impossible(refused.words());
      case Scale.Reading.Unread(ApiResult answer) -> new Preparation.Later(answer.words());
    };
  }

  private static Preparation.Ready ready(StepContext step, String version, int observed) {
    ObjectNode memory = step.memory();
    int restore = memory == null ? observed : memory.path("restore").asInt();
    return ready(step, version, observed, restore);
  }

  private static Preparation.Ready ready(
      StepContext step, String version, int observed, int restore) {
    OwnerRef owner = Scale.required(step.target()).owner();
    ObjectNode prior =
        EventCodec.object()
            .put("restore", restore)
            .put("observed", observed)
            .put("uid", owner.uid())
            .put("resource_version", version);
    String diff =
        owner.kind()
            + " "
            + step.target().namespace()
            + "/"
            + owner.name()
            + ": replicas "
            + observed
            + " → "
            + wanted(step)
            + (restore == observed ? "" : ", " + restore + " to be restored");
    return new Preparation.Ready(prior, diff);
  }

  @Override
  public Outcome tryOut(StepContext step, ObjectNode prior) {
    Scale scale = Scale.required(step.target());
    ApiResult result = step.retry().ask(() -> scale.tryOut(api, wanted(step)));
    return result instanceof ApiResult.Ok
        ? new Outcome.Done("the server would scale to " + wanted(step))
        : new Outcome.Failed(result.words());
  }

  @Override
  public Outcome act(StepContext step, ObjectNode prior, boolean resumed) {
    Scale scale = Scale.required(step.target());
    int observed = prior.path("observed").asInt();
    String version = prior.path("resource_version").asText();
    // Where nothing is to be written, the word of an informer is not enough.
    boolean readBack = resumed || observed == wanted(step);
    Retry retry = step.retry();
    do {
      if (readBack) {
        Optional<Outcome> found = readBack(step, prior, scale.read(api, retry));
        if (found.isPresent()) {
          return found.get();
        }
      }
      ApiResult written = retry.ask(() -> scale.set(api, version, wanted(step)));
      switch (written) {
        case ApiResult.Ok _ -> {
          return new Outcome.Done("replicas " + observed + " → " + wanted(step));
        }
        case ApiResult.Replaced _ -> {
          return new Outcome.Failed(scale.replaced().words());
        }
        case ApiResult.Absent _ -> {
          return new Outcome.Failed(scale.gone().words());
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

  /** What stands after a try, or before a further one; empty if the same try may be made. */
  private static Optional<Outcome> readBack(
      StepContext step, ObjectNode prior, Scale.Reading reading) {
    return switch (reading) {
      case Scale.Reading.Found(Scale.State now) -> {
        if (now.replicas() == wanted(step)) {
          yield Optional.of(new Outcome.Done("replicas are " + wanted(step) + ", as read back"));
        }
        if (now.version().equals(prior.path("resource_version").asText())) {
          yield Optional.empty();
        }
        int restore = prior.path("restore").asInt();
        boolean remembered = restore != prior.path("observed").asInt();
        Preparation.Ready ready =
            ready(step, now.version(), now.replicas(), remembered ? restore : now.replicas());
        yield Optional.of(new Outcome.Changed(ready.prior(), ready.diff()));
      }
      case Scale.Reading.Gone gone -> Optional.of(new Outcome.Failed(gone.words()));
      case Scale.Reading.Replaced replaced -> Optional.of(new Outcome.Failed(replaced.words()));
      case Scale.Reading.Unread(ApiResult answer) -> Optional.of(unread(answer));
    };
  }

  private static Outcome unread(ApiResult answer) {
    return answer instanceof ApiResult.Refused
        ? new Outcome.Failed(answer.words())
        : new Outcome.Later(answer.words());
  }

  @Override
  public Verification verify(StepContext step, ObjectNode prior) {
    return verifier.verify(step, wanted(step));
  }

  @Override
  public Outcome undo(StepContext step, ObjectNode prior) {
    Scale scale = Scale.required(step.target());
    Retry retry = step.retry();
    do {
      Scale.State now;
      switch (scale.read(api, retry)) {
        case Scale.Reading.Found(Scale.State state) -> now = state;
        case Scale.Reading.Gone _ -> {
          return new Outcome.Done("the workload is gone: nothing to restore");
        }
        case Scale.Reading.Replaced _ -> {
          return new Outcome.Done("the workload was replaced: nothing to restore");
        }
        case Scale.Reading.Unread(ApiResult answer) -> {
          return unread(answer);
        }
      }
      String lock = prior.path("undo_version").asText();
      int restore = prior.path("undo_replicas").asInt(prior.path("restore").asInt());
      if (now.replicas() == restore) {
        return new Outcome.Done("replicas are " + restore);
      }
      if (now.replicas() != wanted(step)) {
        return new Outcome.Done("replicas were set to " + now.replicas() + " by somebody else");
      }
      if (!now.version().equals(lock)) {
        return undoable(step, prior, now, retry);
      }
      ApiResult written = retry.ask(() -> scale.set(api, lock, restore));
      switch (written) {
        case ApiResult.Ok _ -> {
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

  /** How many to restore, and the lock of that write: to be stored first. */
  private Outcome undoable(StepContext step, ObjectNode prior, Scale.State now, Retry retry) {
    int restore = prior.path("restore").asInt();
    Autoscalers.Floor floor = autoscalers.floor(step.target(), retry);
    return switch (floor) {
      case Autoscalers.Floor.Unread(ApiResult answer) -> unread(answer);
      case Autoscalers.Floor.Least(int least, String autoscaler)
          when restore > 0 && least > restore ->
          changed(
              prior,
              now,
              least,
              "replicas "
                  + wanted(step)
                  + " → "
                  + least
                  + ": there were "
                  + restore
                  + ", and autoscaler "
                  + autoscaler
                  + " wants "
                  + least
                  + " at least");
      case Autoscalers.Floor.Least _, Autoscalers.Floor.None _ ->
          changed(prior, now, restore, "replicas " + wanted(step) + " → " + restore);
    };
  }

  private static Outcome changed(ObjectNode prior, Scale.State now, int restore, String diff) {
    return new Outcome.Changed(
        prior.deepCopy().put("undo_version", now.version()).put("undo_replicas", restore), diff);
  }

  private static int wanted(StepContext step) {
    return step.parameters().path("replicas").asInt(0);
  }
}
