package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An authorization policy in the meaning of gRFC A43: a call is refused if any deny rule matches,
 * served if any allow rule matches, else refused. Immutable.
 *
 * @param name the policy's own name
 * @param revision SHA-256 of its content, in hexadecimal
 */
record AuthorizationPolicy(
    String name, String revision, List<Rule> denyRules, List<Rule> allowRules) {

  /**
   * One rule. Every part that is present has to match.
   *
   * @param name unique among the policy's rules, as {@code deny_rules.name}
   */
  record Rule(
      String name,
      @Nullable IdentityPatterns principals,
      List<TextPattern> paths,
      List<Header> headers) {

    boolean matches(SpiffeId caller, String path, Metadata metadata) {
      return (principals == null || principals.matches(caller))
          && (paths.isEmpty() || paths.stream().anyMatch(pattern -> pattern.matches(path)))
          && headers.stream().allMatch(header -> header.matches(metadata));
    }
  }

  /** A metadata key one of whose patterns has to match; several values count as one with commas. */
  record Header(String key, List<TextPattern> values) {
    boolean matches(Metadata metadata) {
      Iterable<String> all =
          metadata.getAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
      if (all == null) {
        return false;
      }
      List<String> present = new ArrayList<>();
      all.forEach(present::add);
      String joined = String.join(",", present);
      return values.stream().anyMatch(pattern -> pattern.matches(joined));
    }
  }

  /**
   * {@code text}, {@code text*}, {@code *text} or {@code *}, which stands for any non-empty text.
   */
  sealed interface TextPattern {
    boolean matches(String text);

    record Exact(String expected) implements TextPattern {
      @Override
      public boolean matches(String text) {
        return text.equals(expected);
      }
    }

    record Prefix(String prefix) implements TextPattern {
      @Override
      public boolean matches(String text) {
        return text.startsWith(prefix);
      }
    }

    record Suffix(String suffix) implements TextPattern {
      @Override
      public boolean matches(String text) {
        return text.endsWith(suffix);
      }
    }

    record Present() implements TextPattern {
      @Override
      public boolean matches(String text) {
        return !text.isEmpty();
      }
    }
  }

  /**
   * What the policy says of a call.
   *
   * @param ruleId the rule that decided, if one did
   * @param reason why it is refused, if it is
   */
  record Decision(boolean allowed, @Nullable String ruleId, @Nullable String reason) {}

  private static final String NOTHING = "0".repeat(64);

  /** What holds without any policy: everything is refused. */
  static final AuthorizationPolicy REFUSE_ALL =
      new AuthorizationPolicy("none", NOTHING, List.of(), List.of());

  Decision decide(SpiffeId caller, String path, Metadata metadata) {
    Optional<Rule> denied = first(denyRules, caller, path, metadata);
    if (denied.isPresent()) {
      return new Decision(false, denied.get().name(), "denied_by_rule");
    }
    return first(allowRules, caller, path, metadata)
        .map(rule -> new Decision(true, rule.name(), null))
        .orElseGet(
            () -> new Decision(false, null, revision.equals(NOTHING) ? "no_policy" : "no_rule"));
  }

  /** Name and content hash, for events. */
  String id() {
    return name + "@" + revision.substring(0, 12);
  }

  private static Optional<Rule> first(
      List<Rule> rules, SpiffeId caller, String path, Metadata metadata) {
    for (Rule rule : rules) {
      if (rule.matches(caller, path, metadata)) {
        return Optional.of(rule);
      }
    }
    return Optional.empty();
  }
}
