package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the Kubernetes API allows what the configuration and the playbooks want, asked before
 * anything depends on it (authorization.k8s.io/v1 SelfSubjectAccessReview). Blocking; thread-safe.
 */
final class AccessCheck {
  private static final Logger log = LoggerFactory.getLogger(AccessCheck.class);
  private static final String REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

  /** What the responder needs in all namespaces, whatever it may do. */
  private static final List<Permission> EVERYWHERE = everywhere();

  /** What it needs where it acts, whatever it does. */
  private static final List<Permission> ANNOUNCING =
      List.of(new Permission("events.k8s.io", "events", "create"));

  private final KubernetesApi api;

  AccessCheck(KubernetesApi api) {
    this.api = api;
  }

  /** A permission in a namespace, or in all of them if that is empty. */
  record Need(Permission permission, String namespace) {
    @Override
    public String toString() {
      return permission
          + (namespace.isEmpty() ? " in all namespaces" : " in namespace " + namespace);
    }
  }

  private static List<Permission> everywhere() {
    List<Permission> permissions = new ArrayList<>(Informers.PERMISSIONS);
    permissions.addAll(TargetResolver.PERMISSIONS);
    return List.copyOf(permissions);
  }

  /**
   * What a configuration needs for the actions of its playbooks: to look everywhere, and to write
   * in the namespaces that it lists, or everywhere if it lists none.
   */
  static List<Need> needs(ResponderConfig config, Collection<ClusterAction> actions) {
    Set<Need> needs = new LinkedHashSet<>();
    EVERYWHERE.forEach(permission -> needs.add(new Need(permission, "")));
    List<Permission> acting = new ArrayList<>(ANNOUNCING);
    actions.forEach(action -> acting.addAll(action.permissions()));
    Set<String> listed = config.enforce().namespaces();
    for (Permission permission : acting) {
      switch (config.mode()) {
        case OBSERVE -> {}
        case PLAN -> {
          if (permission.reads()) {
            needs.add(new Need(permission, ""));
          }
        }
        case DRYRUN, APPROVE, ENFORCE -> {
          boolean everywhere = permission.reads() || listed.isEmpty();
          new TreeSet<>(everywhere ? Set.of("") : listed)
              .forEach(namespace -> needs.add(new Need(permission, namespace)));
        }
      }
    }
    return List.copyOf(needs);
  }

  /**
   * Asks for everything.
   *
   * @throws IllegalStateException if the API does not allow something; it names all of that
   */
  void require(List<Need> needs, Duration time) {
    Retry retry = new Retry(time);
    List<Need> missing = new ArrayList<>();
    for (Need need : needs) {
      ApiResult answer = retry.ask(() -> api.create(REVIEWS, review(need)));
      if (!(answer instanceof ApiResult.Ok(JsonNode review))) {
        log.atWarn()
            .addKeyValue("problem", answer.words())
            .log("what the Kubernetes API allows is not known: it does not answer");
        return;
      }
      if (!review.at("/status/allowed").asBoolean(false)) {
        missing.add(need);
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "the Kubernetes API does not allow what this configuration and its playbooks need: "
              + String.join("; ", missing.stream().map(Need::toString).toList())
              + " (grant it as deploy/responder-rbac.yaml does, list fewer namespaces under"
              + " enforce.namespaces, or lower mode)");
    }
  }

  private static ObjectNode review(Need need) {
    ObjectNode review = EventCodec.object();
    review.put("apiVersion", "authorization.k8s.io/v1").put("kind", "SelfSubjectAccessReview");
    ObjectNode attributes = review.putObject("spec").putObject("resourceAttributes");
    attributes
        .put("group", need.permission().group())
        .put("resource", need.permission().plural())
        .put("verb", need.permission().verb());
    if (!need.permission().subresource().isEmpty()) {
      attributes.put("subresource", need.permission().subresource());
    }
    if (!need.namespace().isEmpty()) {
      attributes.put("namespace", need.namespace());
    }
    return review;
  }
}
