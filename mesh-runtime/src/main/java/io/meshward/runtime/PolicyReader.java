package io.meshward.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.runtime.AuthorizationPolicy.Header;
import io.meshward.runtime.AuthorizationPolicy.Rule;
import io.meshward.runtime.AuthorizationPolicy.TextPattern;
import io.meshward.schemas.ContentHash;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON of gRFC A43. An unknown field, a repeated key or name, and an empty list are
 * errors: each could turn a rule into one that matches more than its author meant.
 */
final class PolicyReader {
  private static final Set<String> UNSUPPORTED_HEADERS =
      Set.of(
          "host",
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private PolicyReader() {}

  /** A policy that cannot be used; the message names the place and what was expected. */
  static final class InvalidPolicyException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidPolicyException(String message) {
      super(message);
    }
  }

  static AuthorizationPolicy read(byte[] json) throws InvalidPolicyException {
    JsonNode policy;
    try {
      policy = EventCodec.readTree(json);
    } catch (MalformedEventException e) {
      throw new InvalidPolicyException(String.valueOf(e.getMessage()));
    }
    fields(policy, "policy", Set.of("name", "deny_rules", "allow_rules"));
    String name = text(policy.get("name"), "name");
    JsonNode allow = policy.get("allow_rules");
    if (allow == null) {
      throw new InvalidPolicyException("allow_rules is missing: expected a list of rules");
    }
    List<Rule> allowRules = rules(allow, "allow_rules");
    JsonNode deny = policy.get("deny_rules");
    List<Rule> denyRules = deny == null ? List.of() : rules(deny, "deny_rules");
    return new AuthorizationPolicy(
        name, new ContentHash().add(policy).hex(), denyRules, allowRules);
  }

  private static List<Rule> rules(JsonNode node, String at) throws InvalidPolicyException {
    List<Rule> rules = new ArrayList<>();
    Set<String> names = new HashSet<>();
    int index = 0;
    for (JsonNode rule : list(node, at)) {
      String place = at + "[" + index++ + "]";
      fields(rule, place, Set.of("name", "source", "request"));
      String name = text(rule.get("name"), place + ".name");
      if (!names.add(name)) {
        throw new InvalidPolicyException(place + ".name is '" + name + "' as an earlier rule's is");
      }
      rules.add(rule(at + "." + name, rule, place));
    }
    return List.copyOf(rules);
  }

  private static Rule rule(String name, JsonNode rule, String at) throws InvalidPolicyException {
    JsonNode source = rule.get("source");
    IdentityPatterns principals = null;
    if (source != null) {
      fields(source, at + ".source", Set.of("principals"));
      List<String> texts = texts(source.get("principals"), at + ".source.principals");
      principals = texts == null ? null : patterns(texts, at + ".source.principals");
    }
    List<TextPattern> paths = List.of();
    List<Header> headers = List.of();
    JsonNode request = rule.get("request");
    if (request != null) {
      fields(request, at + ".request", Set.of("paths", "headers"));
      List<String> texts = texts(request.get("paths"), at + ".request.paths");
      paths = texts == null ? List.of() : textPatterns(texts, at + ".request.paths");
      JsonNode list = request.get("headers");
      headers = list == null ? List.of() : headers(list, at + ".request.headers");
    }
    return new Rule(name, principals, paths, headers);
  }

  private static List<Header> headers(JsonNode node, String at) throws InvalidPolicyException {
    List<Header> headers = new ArrayList<>();
    int index = 0;
    for (JsonNode header : list(node, at)) {
      String place = at + "[" + index++ + "]";
      fields(header, place, Set.of("key", "values"));
      String key = text(header.get("key"), place + ".key").toLowerCase(Locale.ROOT);
      if (key.startsWith(":")
          || key.startsWith("grpc-")
          || key.endsWith("-bin")
          || UNSUPPORTED_HEADERS.contains(key)) {
        throw new InvalidPolicyException(
            place + ".key is '" + key + "': rules cannot look at this header");
      }
      List<String> values = texts(header.get("values"), place + ".values");
      if (values == null) {
        throw new InvalidPolicyException(place + ".values is missing: expected a list of texts");
      }
      headers.add(new Header(key, textPatterns(values, place + ".values")));
    }
    return List.copyOf(headers);
  }

  private static IdentityPatterns patterns(List<String> texts, String at)
      throws InvalidPolicyException {
    try {
      return IdentityPatterns.parse(texts);
    } catch (IllegalArgumentException e) {
      throw new InvalidPolicyException(at + ": " + e.getMessage());
    }
  }

  private static List<TextPattern> textPatterns(List<String> texts, String at)
      throws InvalidPolicyException {
    List<TextPattern> patterns = new ArrayList<>();
    for (String text : texts) {
      patterns.add(textPattern(text, at));
    }
    return List.copyOf(patterns);
  }

  private static TextPattern textPattern(String text, String at) throws InvalidPolicyException {
    if (text.equals("*")) {
      return new TextPattern.Present();
    }
    boolean leading = text.startsWith("*");
    boolean trailing = text.endsWith("*");
    String bare = text.substring(leading ? 1 : 0, text.length() - (trailing ? 1 : 0));
    if ((leading && trailing) || bare.contains("*")) {
      throw new InvalidPolicyException(
          at + " has '" + text + "': expected at most one *, at the start or at the end");
    }
    return leading
        ? new TextPattern.Suffix(bare)
        : trailing ? new TextPattern.Prefix(bare) : new TextPattern.Exact(text);
  }

  private static @Nullable List<String> texts(@Nullable JsonNode node, String at)
      throws InvalidPolicyException {
    if (node == null) {
      return null;
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode item : list(node, at)) {
      texts.add(text(item, at));
    }
    return texts;
  }

  private static Iterable<JsonNode> list(JsonNode node, String at) throws InvalidPolicyException {
    if (!node.isArray() || node.isEmpty()) {
      throw new InvalidPolicyException(
          at + " is " + node + ": expected a list with at least one item; leave it out otherwise");
    }
    return node;
  }

  private static String text(@Nullable JsonNode node, String at) throws InvalidPolicyException {
    if (node == null || !node.isTextual() || node.textValue().isBlank()) {
      throw new InvalidPolicyException(at + " is " + node + ": expected a text");
    }
    return node.textValue();
  }

  private static void fields(JsonNode node, String at, Set<String> known)
      throws InvalidPolicyException {
    if (!node.isObject()) {
      throw new InvalidPolicyException(at + " is " + node + ": expected an object");
    }
    for (var field : node.properties()) {
      if (!known.contains(field.getKey())) {
        throw new InvalidPolicyException(
            at
                + "."
                + field.getKey()
                + " is unknown: expected one of "
                + known.stream().sorted().toList());
      }
    }
  }
}
