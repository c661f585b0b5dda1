package io.meshward.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which identities have which role: {@code roles: {clerk: [spiffe://…/orders, spiffe://…/*]}}.
 * Immutable.
 */
final class Roles {
  static final Roles NONE = new Roles(Map.of());

  private final Map<String, List<String>> identities;

  private Roles(Map<String, List<String>> identities) {
    this.identities = Map.copyOf(identities);
  }

  /**
   * Reads a document of roles.
   *
   * @throws InvalidPolicyException naming what is wrong and where
   */
  static Roles read(String document) throws InvalidPolicyException {
    PolicyNode root = PolicyDocument.readOne(document, "roles file").only(Set.of("roles"));
    Map<String, List<String>> identities = new TreeMap<>();
    for (Map.Entry<String, PolicyNode> role :
        root.get("roles", "an object of roles").fields().entrySet()) {
      role.getValue().identities();
      identities.put(role.getKey(), role.getValue().texts());
    }
    return new Roles(identities);
  }

  /**
   * The patterns of the identities that have any of these roles.
   *
   * @throws InvalidPolicyException if the roles file has no such role: a rule with a misspelt one
   *     would deny nobody
   */
  List<String> identitiesOf(PolicyNode roles) throws InvalidPolicyException {
    List<String> patterns = new ArrayList<>();
    for (PolicyNode role : roles.items()) {
      List<String> found = identities.get(role.text());
      if (found == null) {
        throw role.invalid("a role of the roles file, which has " + sorted());
      }
      patterns.addAll(found);
    }
    return patterns;
  }

  private List<String> sorted() {
    return identities.keySet().stream().sorted().toList();
  }
}
