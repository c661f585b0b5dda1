package io.meshward.runtime;

import io.meshward.runtime.AuthorizationPolicy.Rule;
import io.meshward.schemas.ContentHash;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads a policy: the JSON of gRFC A43, in which a rule may also have a list {@code when} of
 * conditions. An unknown field, a repeated key or name, and an empty list are errors: each could
 * turn a rule into one that matches more than its author meant.
 */
final class PolicyReader {
  private final Roles roles;

  /**
   * @param roles what {@code peer.role} stands for
   */
  PolicyReader(Roles roles) {
    this.roles = roles;
  }

  AuthorizationPolicy read(PolicyNode policy) throws InvalidPolicyException {
    policy.only(Set.of("name", "deny_rules", "allow_rules"));
    policy.get("allow_rules", "a list of rules");
    return readImported(policy);
  }

  /** Reads a policy that may, as it does not come from A43, allow nothing. */
  AuthorizationPolicy readImported(PolicyNode policy) throws InvalidPolicyException {
    String name = policy.get("name", "a text").text();
    ContentHash content = new ContentHash().add(policy.json());
    ConditionReader conditions = new ConditionReader(roles, content);
    List<Rule> denyRules = rules(policy, "deny_rules", conditions);
    List<Rule> allowRules = rules(policy, "allow_rules", conditions);
    return new AuthorizationPolicy(name, content.hex(), denyRules, allowRules);
  }

  private static List<Rule> rules(PolicyNode policy, String list, ConditionReader conditions)
      throws InvalidPolicyException {
    PolicyNode node = policy.find(list);
    List<Rule> rules = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (PolicyNode rule : node == null ? List.<PolicyNode>of() : node.items()) {
      rule.only(Set.of("name", "source", "request", "when"));
      PolicyNode name = rule.get("name", "a text");
      if (!names.add(name.text())) {
        throw new InvalidPolicyException(
            name.at() + " is '" + name.text() + "' as an earlier rule's is");
      }
      rules.add(new Rule(list + "." + name.text(), conditions(rule, conditions)));
    }
    return rules;
  }

  /** From the cheapest to test to the dearest. */
  private static List<Condition> conditions(PolicyNode rule, ConditionReader reader)
      throws InvalidPolicyException {
    List<Condition> conditions = new ArrayList<>();
    PolicyNode request = rule.find("request");
    if (request != null) {
      request.only(Set.of("paths", "headers"));
      PolicyNode paths = request.find("paths");
      if (paths != null) {
        conditions.add(new Condition.Method(paths.patterns(), false));
      }
    }
    PolicyNode source = rule.find("source");
    if (source != null) {
      PolicyNode principals = source.only(Set.of("principals")).find("principals");
      if (principals != null) {
        conditions.add(new Condition.Identity(principals.identities(), false, false));
      }
    }
    PolicyNode when = rule.find("when");
    for (PolicyNode condition : when == null ? List.<PolicyNode>of() : when.items()) {
      conditions.add(reader.read(condition));
    }
    PolicyNode headers = request == null ? null : request.find("headers");
    for (PolicyNode header : headers == null ? List.<PolicyNode>of() : headers.items()) {
      header.only(Set.of("key", "values"));
      PolicyNode key = header.get("key", "a text");
      conditions.add(
          ConditionReader.header(key, key.text(), header.get("values", "a list of texts"), false));
    }
    return conditions;
  }
}
