package io.meshward.responder;

import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.embedded.EmbeddedKubernetes;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Target;
import io.meshward.schemas.TrustDomain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/** A cluster double with informers and actions on it, without Kafka. */
final class Cluster implements AutoCloseable {
  static final String CONTAINMENT = "0123456789abcdef-0123456789abcdef";

  final EmbeddedKubernetes kubernetes;
  final Shop shop;
  final ClusterView view;
  final ScaleAction scale;
  final IsolateAction isolate;
  final PodSelectors selectors = new PodSelectors();
  private final KubernetesConnection connection;
  private final Informers informers;

  Cluster(Path folder) {
    this(
        folder,
        EmbeddedKubernetes.builder()
            .readyAfter(Duration.ofMillis(30))
            .goneAfter(Duration.ofMillis(60))
            .seed(11)
            .start());
  }

  Cluster(Path folder, EmbeddedKubernetes kubernetes) {
    this.kubernetes = kubernetes;
    shop = new Shop(kubernetes);
    try {
      connection =
          KubernetesConnection.open(
              kubernetes.writeKubeconfig(folder.resolve("kubeconfig")), Duration.ofSeconds(10));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    InstantSource clock = InstantSource.system();
    view = emptyView();
    informers = new Informers(connection.client(), view, selectors, Duration.ofMinutes(10));
    scale = new ScaleAction(connection.api(), view, clock);
    isolate = isolate(view, selectors);
    Stand.eventually("informers have synchronised", view::complete);
  }

  /** A view that nobody has told anything. */
  ClusterView emptyView() {
    return new ClusterView(
        new PodReader(Stand.CLUSTER, TrustDomain.parse("example.org"), false),
        InstantSource.system(),
        Duration.ofMinutes(10));
  }

  /** The action on what others have seen. */
  IsolateAction isolate(ClusterView view, PodSelectors selectors) {
    return new IsolateAction(connection.api(), view, selectors, InstantSource.system());
  }

  /** A step about a target that may take as long as a test waits. */
  StepContext step(Target target) {
    return step(target, Stand.PATIENCE);
  }

  StepContext step(Target target, Duration timeout) {
    return new StepContext(
        CONTAINMENT, target, EventCodec.object().put("replicas", 0), timeout, () -> true, null);
  }

  /** Waits until the informers have seen the pod as the API has it, and whose it is. */
  void awaitSeen(Target target) {
    String uid = Stand.known(target.podUid());
    String name = Stand.known(target.pod());
    Stand.eventually(
        "the informers see pod " + name,
        () ->
            view.pod(uid)
                    .filter(pod -> pod.owners().size() == 2 || target.owner() == null)
                    .isPresent()
                && view.livePod(uid)
                    .map(Cluster::version)
                    .equals(Optional.ofNullable(shop.findPod(name)).map(Cluster::version)));
  }

  @Override
  public void close() {
    informers.close();
    connection.close();
    shop.close();
    kubernetes.close();
  }

  private static String version(Pod pod) {
    return pod.getMetadata().getResourceVersion();
  }
}
