package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.runtime.Condition.Bounds;
import io.meshward.runtime.Condition.NumberFact;
import io.meshward.runtime.Condition.TextFact;
import io.meshward.schemas.ContentHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Reads what a rule asks beside gRFC A43: {@code {"key": "risk.score", "lt": 0.3}}, {@code {"key":
 * "peer.ip", "not_values": ["10.0.0.0/8"]}}. Not thread-safe; one for each policy.
 */
final class ConditionReader {
  private static final String IDENTITY = "peer.id";
  private static final String ROLE = "peer.role";
  private static final String METHOD = "rpc.method";
  private static final String ADDRESS = "peer.ip";
  private static final String HEADER = "header.";
  private static final String CLAIM = "jwt.";

  /** Those that gRFC A43 keeps rules from: they belong to the transport. */
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

  private final Roles roles;
  private final ContentHash content;

  /**
   * @param content takes in what the policy depends on without saying it itself
   */
  ConditionReader(Roles roles, ContentHash content) {
    this.roles = roles;
    this.content = content;
  }

  Condition read(PolicyNode node) throws InvalidPolicyException {
    PolicyNode key = node.get("key", "what the condition looks at");
    String name = key.text();
    for (NumberFact fact : NumberFact.values()) {
      if (fact.key().equals(name)) {
        return new Condition.Quantity(fact, bounds(fact, node));
      }
    }
    node.only(Set.of("key", "values", "not_values"));
    boolean negated = node.has("not_values");
    if (negated == node.has("values")) {
      throw new InvalidPolicyException(node.at() + ": expected either values or not_values");
    }
    PolicyNode values = node.get(negated ? "not_values" : "values", "a list of texts");
    if (name.startsWith(HEADER)) {
      return header(key, name.substring(HEADER.length()), values, negated);
    }
    if (name.startsWith(CLAIM) && name.length() > CLAIM.length()) {
      return new Condition.Claim(name.substring(CLAIM.length()), values.patterns(), negated);
    }
    for (TextFact fact : TextFact.values()) {
      if (fact.key().equals(name)) {
        return new Condition.Text(fact, values.patterns(), negated);
      }
    }
    return switch (name) {
      case IDENTITY -> new Condition.Identity(values.identities(), negated, false);
      case ROLE -> role(values, negated);
      case METHOD -> new Condition.Method(values.patterns(), negated);
      case ADDRESS -> new Condition.Address(blocks(values), negated);
      default -> throw key.invalid("one of " + known());
    };
  }

  /** A header that rules may look at. */
  static Condition.Header header(PolicyNode at, String name, PolicyNode values, boolean negated)
      throws InvalidPolicyException {
    String key = name.toLowerCase(Locale.ROOT);
    if (key.startsWith(":")
        || key.startsWith("grpc-")
        || key.endsWith("-bin")
        || UNSUPPORTED_HEADERS.contains(key)) {
      throw new InvalidPolicyException(
          at.at() + " is '" + name + "': rules cannot look at this header");
    }
    try {
      return new Condition.Header(
          Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), values.patterns(), negated);
    } catch (IllegalArgumentException e) {
      throw new InvalidPolicyException(at.at() + " is '" + name + "': " + e.getMessage(), e);
    }
  }

  private Condition role(PolicyNode values, boolean negated) throws InvalidPolicyException {
    List<String> patterns = roles.identitiesOf(values);
    patterns.forEach(content::add);
    return new Condition.Identity(IdentityPatterns.parse(patterns), negated, true);
  }

  private static List<AddressBlock> blocks(PolicyNode values) throws InvalidPolicyException {
    List<AddressBlock> blocks = new ArrayList<>();
    for (PolicyNode item : values.items()) {
      try {
        blocks.add(AddressBlock.parse(item.text()));
      } catch (IllegalArgumentException e) {
        throw new InvalidPolicyException(item.at() + ": " + e.getMessage(), e);
      }
    }
    return List.copyOf(blocks);
  }

  private static Bounds bounds(NumberFact fact, PolicyNode node) throws InvalidPolicyException {
    node.only(Set.of("key", "lt", "lte", "gt", "gte"));
    if ((node.has("lt") && node.has("lte")) || (node.has("gt") && node.has("gte"))) {
      throw new InvalidPolicyException(node.at() + " bounds one side twice");
    }
    if (node.json().size() < 2) {
      throw new InvalidPolicyException(
          node.at() + " has no bound: expected at least one of lt, lte, gt, gte");
    }
    double low = Double.NEGATIVE_INFINITY;
    double high = Double.POSITIVE_INFINITY;
    for (String side : List.of("lt", "lte", "gt", "gte")) {
      PolicyNode bound = node.find(side);
      if (bound == null) {
        continue;
      }
      double number = bound.number();
      if (fact == NumberFact.RISK_SCORE && !(number >= 0 && number <= 1)) {
        throw bound.invalid("a number from 0 to 1");
      }
      if (side.startsWith("l")) {
        high = number;
      } else {
        low = number;
      }
    }
    if (low > high || (low == high && !(node.has("lte") && node.has("gte")))) {
      throw new InvalidPolicyException(node.at() + " bounds nothing: no number is between them");
    }
    return new Bounds(low, node.has("gt"), high, node.has("lt"));
  }

  private static List<String> known() {
    return Stream.of(
            Stream.of(IDENTITY, ROLE, METHOD, ADDRESS, HEADER + "NAME", CLAIM + "CLAIM"),
            Arrays.stream(TextFact.values()).map(TextFact::key),
            Arrays.stream(NumberFact.values()).map(NumberFact::key))
        .flatMap(names -> names)
        .sorted()
        .toList();
  }
}
