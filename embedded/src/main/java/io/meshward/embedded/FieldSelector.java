package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A field selector of a query: {@code spec.nodeName=node-1,status.phase!=Failed}; only the fields
 * that the kind supports.
 */
final class FieldSelector {

  static final FieldSelector EVERYTHING = new FieldSelector(List.of());

  /** Further fields by resource that the double evaluates. */
  private static final Map<String, Set<String>> SUPPORTED =
      Map.of(
          "pods",
          Set.of("spec.nodeName", "status.phase", "status.podIP"),
          "namespaces",
          Set.of("status.phase"));

  /** Further fields by resource that only a real server evaluates. */
  private static final Map<String, Set<String>> ELSEWHERE =
      Map.of(
          "pods",
          Set.of(
              "spec.hostNetwork",
              "spec.restartPolicy",
              "spec.schedulerName",
              "spec.serviceAccountName",
              "status.nominatedNodeName",
              "status.podIPs"),
          "nodes",
          Set.of("spec.unschedulable"),
          "services",
          Set.of("spec.clusterIP", "spec.type"),
          "replicasets",
          Set.of("status.replicas"),
          "events",
          Set.of(
              "involvedObject.apiVersion",
              "involvedObject.fieldPath",
              "involvedObject.kind",
              "involvedObject.name",
              "involvedObject.namespace",
              "involvedObject.resourceVersion",
              "involvedObject.uid",
              "reason",
              "reportingComponent",
              "source",
              "type"));

  private record Term(String field, String value, boolean negated) {

    boolean matches(JsonNode object) {
      JsonNode node = object;
      for (String part : field.split("\\.", -1)) {
        node = node.path(part);
      }
      return node.asText("").equals(value) != negated;
    }
  }

  private final List<Term> terms;

  private FieldSelector(List<Term> terms) {
    this.terms = List.copyOf(terms);
  }

  boolean matches(ApiObject object) {
    return terms.stream().allMatch(t -> t.matches(object.json()));
  }

  /**
   * Parses the query form for that kind.
   *
   * @throws ApiFailure 400 if it cannot be parsed or the kind does not support a field
   */
  static FieldSelector parse(@Nullable String text, ResourceType type) {
    if (text == null || text.isBlank()) {
      return EVERYTHING;
    }
    List<Term> terms = new ArrayList<>();
    for (String part : split(text)) {
      if (!part.isEmpty() && !part.equals("=")) {
        terms.add(term(part, text, type));
      }
    }
    return new FieldSelector(terms);
  }

  /** Splits at commas that no backslash precedes. */
  private static List<String> split(String text) {
    return List.of(text.split("(?<!\\\\),", -1));
  }

  private static Term term(String part, String whole, ResourceType type) {
    int equals = part.indexOf('=');
    if (equals < 0) {
      throw ApiFailure.badRequest(
          "invalid selector: '" + whole + "'; can't understand '" + part + "'");
    }
    boolean negated = equals > 0 && part.charAt(equals - 1) == '!';
    String field = part.substring(0, negated ? equals - 1 : equals);
    String value = part.substring(part.startsWith("==", equals) ? equals + 2 : equals + 1);
    if (value.replaceAll("\\\\.", "").contains("=")) {
      throw ApiFailure.badRequest("invalid field selector: unescaped character in value: 61");
    }
    if (ELSEWHERE.getOrDefault(type.plural(), Set.of()).contains(field)) {
      throw ApiFailure.notSimulated("the field selector " + field + " of " + type.plural());
    }
    boolean known =
        field.equals("metadata.name")
            || (field.equals("metadata.namespace") && type.namespaced())
            || SUPPORTED.getOrDefault(type.plural(), Set.of()).contains(field);
    if (!known) {
      throw ApiFailure.badRequest(refusal(field, type));
    }
    return new Term(field, value.replaceAll("\\\\(.)", "$1"), negated);
  }

  private static String refusal(String field, ResourceType type) {
    return switch (type.plural()) {
      case "networkpolicies",
          "horizontalpodautoscalers",
          "serviceaccounts",
          "deployments",
          "replicasets",
          "statefulsets" ->
          "\""
              + field
              + "\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
      default -> "field label not supported: " + field;
    };
  }
}
