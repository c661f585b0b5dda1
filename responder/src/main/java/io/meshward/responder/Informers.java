package io.meshward.responder;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Informable;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists and watches pods, the workloads that own them and what selects them, in all namespaces,
 * into a {@link ClusterView} and {@link PodSelectors}. A watch that ends is begun again for as long
 * as this lives.
 */
final class Informers implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Informers.class);

  /** What the API has to allow, in all namespaces. */
  static final List<Permission> PERMISSIONS =
      Stream.of(
              new Permission("", "pods", "list"),
              new Permission("", "services", "list"),
              new Permission("apps", "deployments", "list"),
              new Permission("apps", "replicasets", "list"),
              new Permission("apps", "statefulsets", "list"),
              new Permission("networking.k8s.io", "networkpolicies", "list"))
          .flatMap(list -> Stream.of(list, new Permission(list.group(), list.resource(), "watch")))
          .toList();

  private final List<SharedIndexInformer<?>> informers = new ArrayList<>();
  private volatile boolean closed;

  /** Starts them; they synchronise in the background, however long the API needs. */
  Informers(KubernetesClient client, ClusterView view, PodSelectors selectors, Duration resync) {
    start(
        client.apps().replicaSets().inAnyNamespace(),
        resync,
        handler(
            (ReplicaSet set) -> {
              selectors.seen(set);
              view.workloadSeen(set, set.getSpec().getReplicas());
            },
            set -> {
              selectors.gone(set);
              view.workloadGone(set);
            }));
    start(client.services().inAnyNamespace(), resync, handler(selectors::seen, selectors::gone));
    start(
        client.network().v1().networkPolicies().inAnyNamespace(),
        resync,
        handler(selectors::seen, selectors::gone));
    start(
        client.apps().deployments().inAnyNamespace(),
        resync,
        workloads(view, (Deployment deployment) -> deployment.getSpec().getReplicas()));
    start(
        client.apps().statefulSets().inAnyNamespace(),
        resync,
        workloads(view, (StatefulSet set) -> set.getSpec().getReplicas()));
    start(client.pods().inAnyNamespace(), resync, handler(view::podSeen, view::podGone));
  }

  /** Whether each has seen everything once. */
  boolean synced() {
    return informers.stream().allMatch(SharedIndexInformer::hasSynced);
  }

  private <T extends HasMetadata> void start(
      Informable<T> resources, Duration resync, ResourceEventHandler<T> handler) {
    SharedIndexInformer<T> informer = resources.runnableInformer(resync.toMillis());
    informer.addEventHandler(handler);
    informer.exceptionHandler(
        (started, problem) -> {
          if (closed) {
            return false;
          }
          log.atWarn()
              .addKeyValue("kind", informer.getApiTypeClass().getSimpleName())
              .addKeyValue("problem", problem.getMessage())
              .log("cannot watch; trying again");
          return true;
        });
    informers.add(informer);
    var _ = informer.start();
  }

  private static <T extends HasMetadata> ResourceEventHandler<T> workloads(
      ClusterView view, Function<T, @Nullable Integer> replicas) {
    return handler(object -> view.workloadSeen(object, replicas.apply(object)), view::workloadGone);
  }

  private static <T> ResourceEventHandler<T> handler(Consumer<T> seen, Consumer<T> gone) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(T object) {
        seen.accept(object);
      }

      @Override
      public void onUpdate(T before, T object) {
        seen.accept(object);
      }

      @Override
      public void onDelete(T object, boolean lastStateUnknown) {
        gone.accept(object);
      }
    };
  }

  @Override
  public void close() {
    closed = true;
    informers.forEach(SharedIndexInformer::stop);
  }
}
