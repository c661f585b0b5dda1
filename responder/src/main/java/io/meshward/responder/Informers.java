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
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists and watches pods, the workloads that own them and what selects them, in all namespaces,
 * into a {@link ClusterView} and {@link PodSelectors}, and says so when all of it was listed. A
 * watch that ends is begun again for as long as this lives.
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

  private final ClusterView view;
  private final List<SharedIndexInformer<?>> informers = new ArrayList<>();
  private final Set<SharedIndexInformer<?>> unseen = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /** Starts them; they synchronise in the background, however long the API needs. */
  Informers(KubernetesClient client, ClusterView view, PodSelectors selectors, Duration resync) {
    this.view = view;
    prepare(
        client.apps().replicaSets().inAnyNamespace(),
        resync,
        (ReplicaSet set) -> {
          selectors.seen(set);
          view.workloadSeen(set, set.getSpec().getReplicas());
        },
        set -> {
          selectors.gone(set);
          view.workloadGone(set);
        });
    prepare(client.services().inAnyNamespace(), resync, selectors::seen, selectors::gone);
    prepare(
        client.network().v1().networkPolicies().inAnyNamespace(),
        resync,
        selectors::seen,
        selectors::gone);
    prepare(
        client.apps().deployments().inAnyNamespace(),
        resync,
        (Deployment deployment) ->
            view.workloadSeen(deployment, deployment.getSpec().getReplicas()),
        view::workloadGone);
    prepare(
        client.apps().statefulSets().inAnyNamespace(),
        resync,
        (StatefulSet set) -> view.workloadSeen(set, set.getSpec().getReplicas()),
        view::workloadGone);
    prepare(client.pods().inAnyNamespace(), resync, view::podSeen, view::podGone);
    unseen.addAll(informers);
    informers.forEach(informer -> informer.start());
  }

  private <T extends HasMetadata> void prepare(
      Informable<T> resources, Duration resync, Consumer<T> seen, Consumer<T> gone) {
    SharedIndexInformer<T> informer = resources.runnableInformer(resync.toMillis());
    informer.addEventHandler(handler(seen, gone, () -> listed(informer)));
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
  }

  /** Called after the handler has taken what a list told. */
  private void listed(SharedIndexInformer<?> informer) {
    if (unseen.remove(informer) && unseen.isEmpty()) {
      view.completed();
    }
  }

  private static <T> ResourceEventHandler<T> handler(
      Consumer<T> seen, Consumer<T> gone, Runnable listed) {
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

      @Override
      public void onList(String resourceVersion, boolean remainedEmpty) {
        listed.run();
      }
    };
  }

  @Override
  public void close() {
    closed = true;
    informers.forEach(SharedIndexInformer::stop);
  }
}
