package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.Detection;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Target;
import io.meshward.schemas.Work;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whom a detection is about: the pod it names, else the workload, else whatever has the
 * identity it blames; up to the top owner. By the informers, and by the API where they have not
 * seen it yet. Blocking, for a bounded time; thread-safe.
 */
final class TargetResolver {
  /** What the API has to allow, in all namespaces. */
  static final List<Permission> PERMISSIONS =
      List.of(new Permission("", "pods", "get"), new Permission("batch", "jobs", "get"));

  /** How long a pod that nobody has seen yet may take to show. */
  private static final Duration LATE = Duration.ofSeconds(3);

  private final String cluster;
  private final ClusterView view;
  private final KubernetesApi api;

  TargetResolver(String cluster, ClusterView view, KubernetesApi api) {
    this.cluster = cluster;
    this.view = view;
    this.api = api;
  }

  /**
   * A target as far as it could be resolved.
   *
   * @param labels of its owner, else of its pod
   */
  record Resolved(Target target, Work.Resolution resolution, Map<String, String> labels) {
    Resolved {
      labels = Map.copyOf(labels);
    }
  }

  /** Resolves the target of a detection. */
  Resolved resolve(Detection detection) {
    Target claimed = detection.target();
    if (claimed.pod() != null && claimed.namespace() != null) {
      return byPod(claimed, claimed.namespace(), claimed.pod());
    }
    if (claimed.owner() != null && claimed.namespace() != null) {
      return byOwner(claimed, claimed.owner());
    }
    if (claimed.spiffeId() != null) {
      return byIdentity(claimed, claimed.spiffeId());
    }
    return unresolved(
        claimed, "the detection names neither a pod, nor a workload, nor an identity");
  }

  private Resolved byPod(Target claimed, String namespace, String name) {
    Supplier<Optional<Inventory>> look =
        () -> claimed.podUid() == null ? view.pod(namespace, name) : view.pod(claimed.podUid());
    Optional<Inventory> found = look.get();
    String reason = "there is no pod " + namespace + "/" + name;
    if (found.isEmpty()) {
      switch (read(namespace, name)) {
        case ApiResult.Ok _ -> found = late(look);
        case ApiResult.Unavailable unavailable -> reason = unavailable.message();
        case ApiResult.Absent _,
            ApiResult.Replaced _,
            ApiResult.Conflict _,
            ApiResult.Refused _,
            ApiResult.Unknown _ -> {}
      }
    }
    if (found.isPresent()) {
      return resolved(claimed, found.get());
    }
    if (claimed.owner() != null) {
      return byOwner(claimed, claimed.owner());
    }
    return claimed.spiffeId() != null
        ? byIdentity(claimed, claimed.spiffeId())
        : unresolved(claimed, reason);
  }

  private ApiResult read(String namespace, String name) {
    return new Retry(LATE)
        .ask(
            () ->
                api.get(
                    "/api/v1/namespaces/"
                        + KubernetesApi.segment(namespace)
                        + "/pods/"
                        + KubernetesApi.segment(name)));
  }

  /** The pod exists: the informers will see it soon. */
  private Optional<Inventory> late(Supplier<Optional<Inventory>> look) {
    try {
      boolean _ = view.await(() -> look.get().isPresent(), LATE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return look.get();
  }

  private Resolved resolved(Target claimed, Inventory pod) {
    Target known = pod.target();
    OwnerRef top = top(known);
    Target target =
        new Target(
            cluster,
            known.namespace(),
            known.pod(),
            known.podUid(),
            known.node(),
            known.serviceAccount(),
            top,
            claimed.spiffeId() != null ? claimed.spiffeId() : known.spiffeId());
    return new Resolved(target, outcome(Work.Outcome.RESOLVED, null), labels(target, pod));
  }

  /** The top owner; of one that no informer knows, the API is asked whose it is. */
  private OwnerRef top(Target known) {
    OwnerRef owner = known.owner();
    if (owner == null) {
      throw new IllegalStateException("every pod of the inventory has an owner, or is its own");
    }
    if (!owner.kind().equals("Job") || known.namespace() == null) {
      return owner;
    }
    ApiResult read =
        api.get(
            "/apis/batch/v1/namespaces/"
                + KubernetesApi.segment(known.namespace())
                + "/jobs/"
                + KubernetesApi.segment(owner.name()));
    if (!(read instanceof ApiResult.Ok(JsonNode job))
        || !job.at("/metadata/uid").asText().equals(owner.uid())) {
      return owner;
    }
    for (JsonNode reference : job.at("/metadata/ownerReferences")) {
      if (reference.path("controller").asBoolean(false)) {
        return new OwnerRef(
            reference.path("kind").asText(),
            reference.path("name").asText(),
            reference.path("uid").asText());
      }
    }
    return owner;
  }

  /** The workload; a pod that is named stays named, even if it is long gone. */
  private Resolved byOwner(Target claimed, OwnerRef owner) {
    Optional<Workload> workload = view.workload(owner.uid());
    if (workload.isEmpty() && view.podsOf(owner.uid()).isEmpty()) {
      return claimed.spiffeId() != null
          ? byIdentity(claimed, claimed.spiffeId())
          : unresolved(claimed, "there is no " + owner.kind() + " " + owner.name());
    }
    Optional<Inventory> pod = view.podsOf(owner.uid()).stream().findFirst();
    Target target =
        new Target(
            cluster,
            workload.map(Workload::namespace).orElse(claimed.namespace()),
            claimed.pod(),
            claimed.podUid(),
            claimed.node(),
            pod.map(known -> known.pod().serviceAccount()).orElse(claimed.serviceAccount()),
            owner,
            claimed.spiffeId() != null
                ? claimed.spiffeId()
                : pod.map(Inventory::spiffeId).orElse(null));
    return new Resolved(
        target,
        outcome(Work.Outcome.RESOLVED, null),
        workload.map(Workload::labels).orElse(Map.of()));
  }

  private Resolved byIdentity(Target claimed, SpiffeId identity) {
    List<Inventory> living = view.livingPodsOf(identity);
    List<Inventory> pods = living.isEmpty() ? view.podsOf(identity) : living;
    List<OwnerRef> owners =
        pods.stream()
            .map(pod -> pod.target().owner())
            .distinct()
            .map(TargetResolver::some)
            .toList();
    List<String> namespaces = pods.stream().map(pod -> pod.pod().namespace()).distinct().toList();
    boolean one = owners.size() == 1;
    Target target =
        new Target(
            one ? cluster : claimed.cluster(),
            namespaces.size() == 1 ? namespaces.getFirst() : null,
            null,
            null,
            null,
            one ? pods.getFirst().pod().serviceAccount() : null,
            one ? owners.getFirst() : null,
            identity);
    if (one) {
      return new Resolved(
          target, outcome(Work.Outcome.RESOLVED, null), labels(target, pods.getFirst()));
    }
    FanOut fanOut = FanOut.of(pods);
    String reason =
        owners.isEmpty()
            ? "no workload has the identity " + identity
            : owners.size() + " workloads share the identity " + identity + ": " + fanOut;
    return new Resolved(
        target,
        new Work.Resolution(Work.Outcome.IDENTITY_ONLY, reason, fanOut.workloads()),
        Map.of());
  }

  private static OwnerRef some(@Nullable OwnerRef owner) {
    if (owner == null) {
      throw new IllegalStateException("every pod of the inventory has an owner, or is its own");
    }
    return owner;
  }

  private Map<String, String> labels(Target target, Inventory pod) {
    OwnerRef owner = target.owner();
    return owner == null
        ? pod.pod().labels()
        : view.workload(owner.uid()).map(Workload::labels).orElse(pod.pod().labels());
  }

  private Resolved unresolved(Target claimed, String reason) {
    return new Resolved(claimed, outcome(Work.Outcome.UNRESOLVED, reason), Map.of());
  }

  private static Work.Resolution outcome(Work.Outcome outcome, @Nullable String reason) {
    return new Work.Resolution(outcome, reason, List.of());
  }
}
