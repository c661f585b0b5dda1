package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import java.util.Map;

/** The shop as Kubernetes sees it: one Deployment, Service and ServiceAccount per service. */
final class ShopManifests {
  /** The label that Deployments and Services select by. */
  static final String APP = "app";

  private static final String DEMO = "meshward.io/demo";
  private static final int PORT = 8443;

  private ShopManifests() {}

  /**
   * The namespace of a shop.
   *
   * @param demo tells it from namespaces that people made
   */
  static Namespace namespace(String name, String demo) {
    return new NamespaceBuilder()
        .withNewMetadata()
        .withName(name)
        .withLabels(Map.of("app.kubernetes.io/managed-by", "meshward", DEMO, demo))
        .endMetadata()
        .build();
  }

  /** Whether a namespace was made for that demonstration. */
  static boolean isOf(Namespace namespace, String demo) {
    Map<String, String> labels = namespace.getMetadata().getLabels();
    return labels != null && demo.equals(labels.get(DEMO));
  }

  static ServiceAccount serviceAccount(String namespace, String service) {
    return new ServiceAccountBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(service)
        .endMetadata()
        .withAutomountServiceAccountToken(false)
        .build();
  }

  static Service service(String namespace, String service) {
    return new ServiceBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(service)
        .endMetadata()
        .withNewSpec()
        .withSelector(Map.of(APP, service))
        .addNewPort()
        .withPort(PORT)
        .endPort()
        .endSpec()
        .build();
  }

  /** The pods only sleep: their processes run beside the cluster. */
  static Deployment deployment(String namespace, String service, int replicas) {
    return new DeploymentBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(service)
        .withLabels(Map.of(APP, service))
        .endMetadata()
        .withNewSpec()
        .withReplicas(replicas)
        .withNewSelector()
        .withMatchLabels(Map.of(APP, service))
        .endSelector()
        .withNewTemplate()
        .withNewMetadata()
        .withLabels(Map.of(APP, service))
        .endMetadata()
        .withNewSpec()
        .withServiceAccountName(service)
        .withTerminationGracePeriodSeconds(5L)
        .addNewContainer()
        .withName(service)
        .withImage("busybox:1.37")
        .withCommand("sleep", "infinity")
        .endContainer()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }
}
