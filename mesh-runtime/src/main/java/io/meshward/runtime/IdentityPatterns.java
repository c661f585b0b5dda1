package io.meshward.runtime;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.util.Collection;
import java.util.List;

/**
 * Patterns over SPIFFE IDs: {@code spiffe://td/a/b} is that ID, {@code spiffe://td/a/*} every ID
 * below {@code /a} by whole segments, {@code spiffe://td/*} every ID of the trust domain, {@code *}
 * every ID. No other wildcard exists. Immutable.
 */
final class IdentityPatterns {
  static final IdentityPatterns NONE = new IdentityPatterns(List.of());

  private sealed interface Pattern {
    boolean matches(SpiffeId id);
  }

  private record Exact(SpiffeId expected) implements Pattern {
    @Override
    public boolean matches(SpiffeId id) {
      return expected.equals(id);
    }
  }

  /** Below a path, which is empty for a whole trust domain. */
  private record Below(TrustDomain trustDomain, String path) implements Pattern {
    @Override
    public boolean matches(SpiffeId id) {
      return trustDomain.equals(id.trustDomain())
          && id.path().length() > path.length()
          && id.isWithin(path);
    }
  }

  private record Any() implements Pattern {
    @Override
    public boolean matches(SpiffeId id) {
      return true;
    }
  }

  private final List<Pattern> patterns;

  private IdentityPatterns(List<Pattern> patterns) {
    this.patterns = patterns;
  }

  /**
   * Reads patterns.
   *
   * @throws IllegalArgumentException naming the pattern and the forms that exist
   */
  static IdentityPatterns parse(Collection<String> texts) {
    return new IdentityPatterns(texts.stream().map(IdentityPatterns::parse).toList());
  }

  private static Pattern parse(String text) {
    try {
      if (text.equals("*")) {
        return new Any();
      }
      if (text.endsWith("/*")) {
        SpiffeId prefix = SpiffeId.parse(text.substring(0, text.length() - 2));
        return new Below(prefix.trustDomain(), prefix.path());
      }
      return new Exact(SpiffeId.parse(text));
    } catch (InvalidSpiffeIdException e) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is not a pattern of SPIFFE IDs: expected spiffe://trust-domain/path, the same"
              + " with /* at its end, or *: "
              + e.getMessage(),
          e);
    }
  }

  boolean isEmpty() {
    return patterns.isEmpty();
  }

  boolean matches(SpiffeId id) {
    // By index: this runs for each call, and an iterator would be garbage.
    for (int i = 0; i < patterns.size(); i++) {
      if (patterns.get(i).matches(id)) {
        return true;
      }
    }
    return false;
  }

  /** Whether no pattern has a wildcard. */
  boolean namesSingleIdentities() {
    return patterns.stream().allMatch(pattern -> pattern instanceof Exact);
  }

  /** Whether any pattern takes in a whole trust domain or more. */
  boolean spansTrustDomain() {
    return patterns.stream()
        .anyMatch(
            pattern ->
                switch (pattern) {
                  case Any any -> true;
                  case Below below -> below.path().isEmpty();
                  case Exact exact -> false;
                });
  }
}
