package io.meshward.responder;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorRequirement;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything in the cluster that picks pods by their labels: replica sets, services and network
 * policies that allow something. Thread-safe.
 */
final class PodSelectors {
  private final Map<String, ReplicaSet> replicaSets = new ConcurrentHashMap<>();
  private final Map<String, Service> services = new ConcurrentHashMap<>();
  private final Map<String, NetworkPolicy> policies = new ConcurrentHashMap<>();

  /** Something that may select pods was added or changed. */
  void seen(HasMetadata object) {
    String uid = object.getMetadata().getUid();
    switch (object) {
      case ReplicaSet set -> replicaSets.put(uid, set);
      case Service service -> services.put(uid, service);
      case NetworkPolicy policy -> policies.put(uid, policy);
      default -> {}
    }
  }

  /** It is gone. */
  void gone(HasMetadata object) {
    String uid = object.getMetadata().getUid();
    replicaSets.remove(uid);
    services.remove(uid);
    policies.remove(uid);
  }

  /**
   * The keys of the labels by which a pod is picked: by its replica set, by services, and by
   * policies that allow something. Without them the pod is alone.
   *
   * @param replicaSet the uid of the pod's replica set
   * @return empty if the replica set is not known
   */
  Optional<Set<String>> keys(String namespace, String replicaSet, Map<String, String> labels) {
    ReplicaSet owner = replicaSets.get(replicaSet);
    if (owner == null) {
      return Optional.empty();
    }
    Set<String> keys = new TreeSet<>(keys(owner.getSpec().getSelector()));
    services.values().stream()
        .filter(service -> service.getMetadata().getNamespace().equals(namespace))
        .map(service -> selector(service))
        .filter(
            selector -> !selector.isEmpty() && labels.entrySet().containsAll(selector.entrySet()))
        .forEach(selector -> keys.addAll(selector.keySet()));
    policies.values().stream()
        .filter(policy -> policy.getMetadata().getNamespace().equals(namespace))
        .filter(policy -> allowsSomething(policy) && selects(policy, labels))
        .forEach(policy -> keys.addAll(keys(policy.getSpec().getPodSelector())));
    keys.retainAll(labels.keySet());
    return Optional.of(keys);
  }

  /** Whether some policy selects pods with these labels and would not if they changed so. */
  boolean letsGo(String namespace, Map<String, String> labels, Map<String, String> changed) {
    return policies.values().stream()
        .filter(policy -> policy.getMetadata().getNamespace().equals(namespace))
        .anyMatch(policy -> selects(policy, labels) && !selects(policy, changed));
  }

  /** The names of the services that a pod with these labels stands behind. */
  List<String> servicesOf(String namespace, Map<String, String> labels) {
    return services.values().stream()
        .filter(service -> service.getMetadata().getNamespace().equals(namespace))
        .filter(service -> !selector(service).isEmpty())
        .filter(service -> labels.entrySet().containsAll(selector(service).entrySet()))
        .map(service -> service.getMetadata().getName())
        .sorted()
        .toList();
  }

  /** Whether a policy lets anything pass to or from the pods it selects. */
  static boolean allowsSomething(NetworkPolicy policy) {
    return (policy.getSpec().getIngress() != null && !policy.getSpec().getIngress().isEmpty())
        || (policy.getSpec().getEgress() != null && !policy.getSpec().getEgress().isEmpty());
  }

  /** Whether a policy selects a pod with these labels. */
  static boolean selects(NetworkPolicy policy, Map<String, String> labels) {
    LabelSelector selector = policy.getSpec().getPodSelector();
    return selector == null || matches(selector, labels);
  }

  private static boolean matches(LabelSelector selector, Map<String, String> labels) {
    Map<String, String> equal = selector.getMatchLabels();
    if (equal != null && !labels.entrySet().containsAll(equal.entrySet())) {
      return false;
    }
    List<LabelSelectorRequirement> expressions = selector.getMatchExpressions();
    return expressions == null
        || expressions.stream().allMatch(expression -> matches(expression, labels));
  }

  private static boolean matches(LabelSelectorRequirement expression, Map<String, String> labels) {
    String value = labels.get(expression.getKey());
    return switch (expression.getOperator()) {
      case "In" -> value != null && expression.getValues().contains(value);
      case "NotIn" -> value == null || !expression.getValues().contains(value);
      case "Exists" -> value != null;
      case "DoesNotExist" -> value == null;
      // An operator of a later version: taken as a match, since that is the careful answer here.
      default -> true;
    };
  }

  private static Set<String> keys(@Nullable LabelSelector selector) {
    Set<String> keys = new TreeSet<>();
    if (selector != null && selector.getMatchLabels() != null) {
      keys.addAll(selector.getMatchLabels().keySet());
    }
    if (selector != null && selector.getMatchExpressions() != null) {
      selector.getMatchExpressions().stream()
          .filter(expression -> Set.of("In", "Exists").contains(expression.getOperator()))
          .forEach(expression -> keys.add(expression.getKey()));
    }
    return keys;
  }

  private static Map<String, String> selector(Service service) {
    Map<String, String> selector =
        service.getSpec() == null ? null : service.getSpec().getSelector();
    return selector == null ? Map.of() : selector;
  }
}
