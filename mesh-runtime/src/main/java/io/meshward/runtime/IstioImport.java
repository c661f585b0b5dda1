package io.meshward.runtime;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns Istio's AuthorizationPolicy (security.istio.io/v1) into a policy of ours. The order is the
 * same, deny before allow; where no policy allows, Istio serves and we refuse. Policies for other
 * workloads are left out, dry runs go to the shadow policy, and what cannot be represented is an
 * error that names it.
 */
final class IstioImport {
  private static final String GROUP = "security.istio.io/";
  private static final String ROOT_NAMESPACE = "istio-system";
  private static final String DRY_RUN = "istio.io/dry-run";

  /** The claim that each JWT-SVID has. */
  private static final String ANY_TOKEN = "jwt.sub";

  /** Istio's keys of conditions, and ours. */
  private static final Map<String, String> KEYS =
      Map.of(
          "source.ip", "peer.ip",
          "source.namespace", "peer.namespace",
          "source.principal", "peer.id",
          "destination.port", "local.port",
          "request.auth.audiences", "jwt.aud",
          "request.auth.presenter", "jwt.azp",
          "request.auth.principal", ANY_TOKEN);

  private final @Nullable KubernetesWorkload workload;
  private final Rules enforced = new Rules();
  private final Rules onTrial = new Rules();

  private IstioImport(@Nullable KubernetesWorkload workload) {
    this.workload = workload;
  }

  /** Collects rules of one policy. */
  private static final class Rules {
    private final List<String> names = new ArrayList<>();
    private final ArrayNode deny = EventCodec.object().arrayNode();
    private final ArrayNode allow = EventCodec.object().arrayNode();

    PolicyNode policy() {
      ObjectNode policy =
          EventCodec.object().put("name", names.size() == 1 ? names.get(0) : "istio");
      if (!deny.isEmpty()) {
        policy.set("deny_rules", deny);
      }
      if (!allow.isEmpty()) {
        policy.set("allow_rules", allow);
      }
      return new PolicyNode("imported policy", policy);
    }
  }

  /**
   * What was imported, in our own form.
   *
   * @param shadow the enforced rules and those of dry runs, if there are any
   */
  record Imported(PolicyNode enforced, @Nullable PolicyNode shadow) {}

  /** Whether a document is for this import. */
  static boolean reads(PolicyNode document) {
    return document.json().path("apiVersion").asText().startsWith(GROUP)
        || document.json().path("kind").asText().equals("List");
  }

  /**
   * Imports policies.
   *
   * @param workload by which their namespaces and selectors are judged, if it is known
   * @throws InvalidPolicyException naming what cannot be represented
   */
  static Imported read(List<PolicyNode> documents, @Nullable KubernetesWorkload workload)
      throws InvalidPolicyException {
    IstioImport imported = new IstioImport(workload);
    for (PolicyNode document : documents) {
      imported.document(document);
    }
    boolean dryRuns = !imported.onTrial.names.isEmpty();
    if (dryRuns) {
      imported.onTrial.names.addAll(imported.enforced.names);
      imported.onTrial.deny.addAll(imported.enforced.deny);
      imported.onTrial.allow.addAll(imported.enforced.allow);
    }
    return new Imported(imported.enforced.policy(), dryRuns ? imported.onTrial.policy() : null);
  }

  private void document(PolicyNode document) throws InvalidPolicyException {
    String kind = document.get("kind", "a kind").text();
    if (kind.equals("List")) {
      for (PolicyNode item : document.get("items", "a list").items()) {
        document(item);
      }
      return;
    }
    if (!kind.equals("AuthorizationPolicy")) {
      throw document.get("kind", "a kind").invalid("AuthorizationPolicy");
    }
    PolicyNode metadata = document.get("metadata", "an object");
    PolicyNode namespace = metadata.find("namespace");
    String name =
        (namespace == null ? "" : namespace.text() + "/") + metadata.get("name", "a text").text();
    PolicyNode spec = document.find("spec");
    if (!isForUs(name, namespace, spec)) {
      return;
    }
    Rules target =
        metadata.json().path("annotations").path(DRY_RUN).asText().equals("true")
            ? onTrial
            : enforced;
    target.names.add(name);
    if (spec == null) {
      return;
    }
    spec.only(Set.of("selector", "action", "rules"));
    PolicyNode action = spec.find("action");
    ArrayNode rules =
        switch (action == null ? "ALLOW" : action.text()) {
          case "ALLOW" -> target.allow;
          case "DENY" -> target.deny;
          default -> throw action(action);
        };
    PolicyNode list = spec.find("rules");
    // Istio: a policy without rules matches nothing.
    for (PolicyNode rule :
        list == null || list.json().isEmpty() ? List.<PolicyNode>of() : list.items()) {
      rule(name, rule, rules);
    }
  }

  private static InvalidPolicyException action(@Nullable PolicyNode action) {
    return new InvalidPolicyException(
        (action == null ? "action" : action.at() + " is " + action.json())
            + ": only ALLOW and DENY can be represented");
  }

  private boolean isForUs(String name, @Nullable PolicyNode namespace, @Nullable PolicyNode spec)
      throws InvalidPolicyException {
    PolicyNode selector = spec == null ? null : spec.find("selector");
    if (workload == null) {
      if (namespace != null || selector != null) {
        throw new InvalidPolicyException(
            "policy "
                + name
                + " is for certain workloads: whether this is one cannot be said before its"
                + " Kubernetes namespace and labels are configured");
      }
      return true;
    }
    if (namespace != null
        && !namespace.text().equals(ROOT_NAMESPACE)
        && !namespace.text().equals(workload.namespace())) {
      return false;
    }
    if (selector == null) {
      return true;
    }
    PolicyNode labels = selector.only(Set.of("matchLabels")).find("matchLabels");
    if (labels == null) {
      return true;
    }
    for (Map.Entry<String, PolicyNode> label : labels.fields().entrySet()) {
      if (!label.getValue().text().equals(workload.labels().get(label.getKey()))) {
        return false;
      }
    }
    return true;
  }

  /** Any of {@code from}, any of {@code to} and all of {@code when}: one rule for each pair. */
  private void rule(String policy, PolicyNode rule, ArrayNode rules) throws InvalidPolicyException {
    rule.only(Set.of("from", "to", "when"));
    String name = policy + suffix(rule.at());
    for (@Nullable PolicyNode from : alternatives(rule, "from")) {
      for (@Nullable PolicyNode to : alternatives(rule, "to")) {
        ArrayNode when = EventCodec.object().arrayNode();
        if (from != null) {
          source(from.only(Set.of("source")).get("source", "an object"), when);
        }
        if (to != null) {
          operation(to.only(Set.of("operation")).get("operation", "an object"), when);
        }
        PolicyNode conditions = rule.find("when");
        for (PolicyNode condition :
            conditions == null ? List.<PolicyNode>of() : conditions.items()) {
          condition(condition, when);
        }
        ObjectNode ours =
            rules
                .addObject()
                .put(
                    "name",
                    name
                        + (from == null ? "" : suffix(from.at()))
                        + (to == null ? "" : suffix(to.at())));
        if (!when.isEmpty()) {
          ours.set("when", when);
        }
      }
    }
  }

  private static String suffix(String at) {
    return at.substring(at.lastIndexOf('.'));
  }

  private static List<@Nullable PolicyNode> alternatives(PolicyNode rule, String name)
      throws InvalidPolicyException {
    PolicyNode list = rule.find(name);
    List<@Nullable PolicyNode> all = new ArrayList<>();
    if (list == null) {
      all.add(null);
    } else {
      all.addAll(list.items());
    }
    return all;
  }

  private static void source(PolicyNode source, ArrayNode when) throws InvalidPolicyException {
    for (Map.Entry<String, PolicyNode> field : source.fields().entrySet()) {
      PolicyNode values = field.getValue();
      switch (field.getKey()) {
        case "principals" -> add(when, "peer.id", spiffeIds(values), false);
        case "notPrincipals" -> add(when, "peer.id", spiffeIds(values), true);
        case "namespaces" -> add(when, "peer.namespace", values.texts(), false);
        case "notNamespaces" -> add(when, "peer.namespace", values.texts(), true);
        case "ipBlocks" -> add(when, "peer.ip", values.texts(), false);
        case "notIpBlocks" -> add(when, "peer.ip", values.texts(), true);
        case "requestPrincipals" -> add(when, ANY_TOKEN, anyToken(values), false);
        case "notRequestPrincipals" -> add(when, ANY_TOKEN, anyToken(values), true);
        default -> throw unrepresentable(values);
      }
    }
  }

  /** Issuers are no part of JWT-SVIDs, so that only a token of whomever can be asked for. */
  private static List<String> anyToken(PolicyNode requestPrincipals) throws InvalidPolicyException {
    for (PolicyNode principal : requestPrincipals.items()) {
      if (!principal.text().equals("*")) {
        throw unrepresentable(principal);
      }
    }
    return requestPrincipals.texts();
  }

  private static void operation(PolicyNode operation, ArrayNode when)
      throws InvalidPolicyException {
    for (Map.Entry<String, PolicyNode> field : operation.fields().entrySet()) {
      PolicyNode values = field.getValue();
      switch (field.getKey()) {
        case "paths" -> add(when, "rpc.method", paths(values), false);
        case "notPaths" -> add(when, "rpc.method", paths(values), true);
        case "ports" -> add(when, "local.port", values.texts(), false);
        case "notPorts" -> add(when, "local.port", values.texts(), true);
        case "methods" -> httpMethods(values, true);
        case "notMethods" -> httpMethods(values, false);
        default -> throw unrepresentable(values);
      }
    }
  }

  private static void condition(PolicyNode condition, ArrayNode when)
      throws InvalidPolicyException {
    condition.only(Set.of("key", "values", "notValues"));
    PolicyNode key = condition.get("key", "a text");
    String ours = KEYS.get(key.text());
    if (ours == null) {
      ours = header(key);
    }
    for (String side : List.of("values", "notValues")) {
      PolicyNode values = condition.find(side);
      if (values != null) {
        add(
            when,
            ours,
            switch (ours) {
              case "peer.id" -> spiffeIds(values);
              case ANY_TOKEN -> anyToken(values);
              default -> values.texts();
            },
            side.equals("notValues"));
      }
    }
    if (!condition.has("values") && !condition.has("notValues")) {
      throw new InvalidPolicyException(condition.at() + ": expected values or notValues");
    }
  }

  /** {@code request.headers[NAME]} or {@code request.auth.claims[NAME]}. */
  private static String header(PolicyNode key) throws InvalidPolicyException {
    String text = key.text();
    for (Map.Entry<String, String> form :
        Map.of("request.headers[", "header.", "request.auth.claims[", "jwt.").entrySet()) {
      String opening = form.getKey();
      if (text.startsWith(opening) && text.indexOf(']') == text.length() - 1) {
        return form.getValue() + text.substring(opening.length(), text.length() - 1);
      }
    }
    throw unrepresentable(key);
  }

  /** Istio leaves {@code spiffe://} out. */
  private static List<String> spiffeIds(PolicyNode principals) throws InvalidPolicyException {
    List<String> ids = new ArrayList<>();
    for (PolicyNode principal : principals.items()) {
      String text = principal.text();
      int star = text.indexOf('*');
      boolean below = star == text.length() - 1 && text.endsWith("/*");
      if (star >= 0 && !below && !text.equals("*")) {
        throw principal.invalid(
            "trust-domain/path, the same with /* at its end, or *: no other wildcard can be"
                + " represented, since principals are matched by whole segments");
      }
      ids.add(text.equals("*") ? text : "spiffe://" + text);
    }
    return ids;
  }

  private static List<String> paths(PolicyNode paths) throws InvalidPolicyException {
    for (PolicyNode path : paths.items()) {
      if (path.text().contains("{")) {
        throw unrepresentable(path);
      }
    }
    return paths.texts();
  }

  /** A gRPC call is always POST, so that these say everything or nothing. */
  private static void httpMethods(PolicyNode methods, boolean post) throws InvalidPolicyException {
    boolean matches = methods.patterns().stream().anyMatch(pattern -> pattern.matches("POST"));
    if (matches != post) {
      throw new InvalidPolicyException(
          methods.at() + " is " + methods.json() + ": matches no call, since gRPC's are all POST");
    }
  }

  private static void add(ArrayNode when, String key, List<String> values, boolean negated) {
    ArrayNode list = when.addObject().put("key", key).putArray(negated ? "not_values" : "values");
    values.forEach(list::add);
  }

  private static InvalidPolicyException unrepresentable(PolicyNode node) {
    return new InvalidPolicyException(
        node.at() + " is " + node.json() + ": this cannot be represented");
  }
}
