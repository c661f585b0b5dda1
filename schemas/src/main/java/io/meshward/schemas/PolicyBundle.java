package io.meshward.schemas;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The authorization policy of the services that take this bundle: kind {@code policy}. */
public record PolicyBundle(Policy policy) implements Event {

  /**
   * The policy, as text.
   *
   * @param bundle the bundle's name, which is the record's key
   * @param document what is enforced, in any form that a policy file may have
   * @param shadowDocument what is evaluated beside it, if anything
   * @param actor who published it
   */
  public record Policy(
      String bundle,
      String document,
      @Nullable String shadowDocument,
      String actor,
      Instant publishedAt) {
    public Policy {
      Require.text(bundle, "policy.bundle");
      Require.text(document, "policy.document");
    }
  }
}
