package io.meshward.responder;

import io.meshward.daemon.Default;
import io.meshward.daemon.HttpConfig;
import io.meshward.daemon.KafkaConfig;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.TrustDomain;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of {@link Responder}. Safe until told otherwise: it plans and does nothing.
 *
 * @param cluster the name of the cluster it acts in; never taken from an event
 * @param trustDomain of the SPIFFE IDs of the cluster's pods, by the template {@code
 *     spiffe://{trust-domain}/ns/{namespace}/sa/{service-account}}
 * @param playbooks a folder of playbook files
 * @param mode the furthest it goes
 * @param enforce where it may act by itself, if {@code mode} is {@code enforce}; elsewhere it asks
 * @param budget how often it may act by itself; beyond that it asks
 * @param protect what it never touches, beside what is always protected
 * @param approvers key ids and the files of their public keys (JWK)
 * @param allowUnsignedApprovals takes anybody's word: for demonstrations only
 * @param approvalTimeout how long an approval is waited for
 * @param giveUpAfter for how long a step that the API does not take is tried again
 */
public record ResponderConfig(
    KafkaConfig kafka,
    @Default("{address: '127.0.0.1:8083'}") HttpConfig http,
    String cluster,
    TrustDomain trustDomain,
    @Default("{}") Kubernetes kubernetes,
    Path playbooks,
    @Default("plan") ResponseMode mode,
    @Default("{}") Enforce enforce,
    @Default("{}") Budget budget,
    @Default("{}") Protect protect,
    @Default("{}") Map<String, Path> approvers,
    @Default("false") boolean allowUnsignedApprovals,
    @Default("30m") Duration approvalTimeout,
    @Default("10m") Duration giveUpAfter,
    @Default("{}") InventoryOptions inventory,
    @Default("{}") Notifications notifications) {

  public ResponderConfig {
    if (cluster.isBlank() || cluster.indexOf('/') >= 0 || cluster.length() > 100) {
      throw new IllegalArgumentException(
          "cluster is '" + cluster + "': expected a name of at most 100 characters without /");
    }
    approvers = Map.copyOf(new TreeMap<>(approvers));
    if (mode == ResponseMode.ENFORCE && enforce.namespaces().isEmpty()) {
      throw new IllegalArgumentException(
          "mode is enforce: expected the namespaces it may act in under enforce.namespaces");
    }
    positive(approvalTimeout, "approval-timeout");
    positive(giveUpAfter, "give-up-after");
  }

  /**
   * How the Kubernetes API is reached.
   *
   * @param kubeconfig a kubeconfig file; absent inside a cluster
   * @param requestTimeout how long one request may take
   */
  public record Kubernetes(@Nullable Path kubeconfig, @Default("5s") Duration requestTimeout) {
    public Kubernetes {
      positive(requestTimeout, "kubernetes.request-timeout");
    }
  }

  /** The namespaces in which it may act by itself. */
  public record Enforce(@Default("[]") Set<String> namespaces) {
    public Enforce {
      namespaces = Set.copyOf(namespaces);
    }
  }

  /** How many containments it may begin by itself in how much time. */
  public record Budget(@Default("3") int containments, @Default("10m") Duration window) {
    public Budget {
      if (containments < 0) {
        throw new IllegalArgumentException(
            "budget.containments is " + containments + ": expected 0 or more");
      }
      positive(window, "budget.window");
    }
  }

  /**
   * What it never touches.
   *
   * @param namespaces beside {@link #ALWAYS_NAMESPACES}
   * @param identities SPIFFE IDs, or prefixes of them that end in {@code /*}; beside SPIRE's own
   *     and those of the protected namespaces
   */
  public record Protect(
      @Default("[]") Set<String> namespaces, @Default("[]") List<String> identities) {
    /** Protected whatever the configuration says. */
    public static final Set<String> ALWAYS_NAMESPACES =
        Set.of(
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "meshward-system",
            "spire",
            "spire-system",
            "spire-server",
            "kafka",
            "cni-system",
            "kube-flannel",
            "calico-system",
            "calico-apiserver",
            "tigera-operator",
            "cilium-secrets");

    public Protect {
      Set<String> all = new LinkedHashSet<>(new TreeSet<>(ALWAYS_NAMESPACES));
      all.addAll(namespaces);
      namespaces = Set.copyOf(all);
      identities = List.copyOf(identities);
      for (String identity : identities) {
        if (!identity.startsWith("spiffe://")) {
          throw new IllegalArgumentException(
              "protect.identities: '"
                  + identity
                  + "': expected a SPIFFE ID, or a prefix of one that ends in /*");
        }
      }
    }
  }

  /**
   * The inventory of pods.
   *
   * @param preferAddressAnnotation takes a pod's address from its annotation {@code
   *     meshward.io/address} where it has one
   * @param resync how often everything is looked at again
   * @param keepGonePods for how long a pod that is gone stays in the inventory
   */
  public record InventoryOptions(
      @Default("false") boolean preferAddressAnnotation,
      @Default("10m") Duration resync,
      @Default("10m") Duration keepGonePods) {
    public InventoryOptions {
      positive(resync, "inventory.resync");
      positive(keepGonePods, "inventory.keep-gone-pods");
    }
  }

  /** Where notifications go beside the log. */
  public record Notifications(@Nullable URI webhook, @Default("3s") Duration timeout) {
    public Notifications {
      positive(timeout, "notifications.timeout");
      if (webhook != null && !List.of("http", "https").contains(webhook.getScheme())) {
        throw new IllegalArgumentException(
            "notifications.webhook is '" + webhook + "': expected an http or https address");
      }
    }
  }

  private static void positive(Duration duration, String key) {
    if (duration.isZero() || duration.isNegative()) {
      throw new IllegalArgumentException(key + " is " + duration + ": expected more than nothing");
    }
  }
}
