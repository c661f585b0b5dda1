package io.meshward.runtime;

import java.util.List;
import java.util.Set;

/**
 * How a server takes the JWT-SVIDs that come with calls, as {@code authorization: Bearer …}: what
 * it is called, who may present them, and how often. Immutable.
 */
public final class JwtOptions {
  private final Set<String> audience;
  private final IdentityPatterns carriers;
  private final int mostUses;

  private JwtOptions(Set<String> audience, IdentityPatterns carriers, int mostUses) {
    this.audience = audience;
    this.carriers = carriers;
    this.mostUses = mostUses;
  }

  /**
   * Takes tokens that are meant for one of these names, from the peer that they are about.
   *
   * @throws IllegalArgumentException if there is no name, or one is empty
   */
  public static JwtOptions forAudience(String... names) {
    Set<String> audience = Set.of(names);
    if (audience.isEmpty() || audience.contains("")) {
      throw new IllegalArgumentException(
          "the audience is " + audience + ": expected at least one name, and none that is empty");
    }
    return new JwtOptions(audience, IdentityPatterns.NONE, Integer.MAX_VALUE);
  }

  /**
   * Lets some peers present tokens of others, as a gateway does; each token by the first of them
   * only. Default: none, a token is presented by the peer that it is about.
   *
   * @param patterns SPIFFE IDs, also with {@code /*} at their end for all below, or {@code *}
   * @throws IllegalArgumentException naming the pattern and the forms that exist
   */
  public JwtOptions carriers(String... patterns) {
    return new JwtOptions(audience, IdentityPatterns.parse(List.of(patterns)), mostUses);
  }

  /**
   * How many calls may carry one token: counted by its {@code jti} where it has one, else by its
   * hash, until it ends. Default: any number, since callers keep their tokens.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public JwtOptions mostUses(int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException(
          "a token is to be good for " + calls + " calls: expected at least 1");
    }
    return new JwtOptions(audience, carriers, calls);
  }

  Set<String> audience() {
    return audience;
  }

  IdentityPatterns carriers() {
    return carriers;
  }

  int mostUses() {
    return mostUses;
  }
}
