package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is agreed for each service: where its identity comes from, how long its SVIDs may live, how
 * they are replaced, and how closely its policy has to look at callers. The first entry that
 * matches an identity holds for it. Immutable.
 */
record ServiceTable(List<Service> services) {
  static final ServiceTable EMPTY = new ServiceTable(List.of());
  private static final Pattern LIFETIME = Pattern.compile("([1-9][0-9]{0,5})(s|m|h|d)");

  ServiceTable {
    services = List.copyOf(services);
  }

  /** Where SVIDs come from. */
  enum Source {
    WORKLOAD_API,
    FILES
  }

  /** Who replaces SVIDs before they end. */
  enum Rotation {
    AUTOMATIC,
    MANUAL
  }

  /** How closely each allow rule of the service's policy looks at the caller. */
  enum Granularity {
    /** It names single identities or roles. */
    IDENTITY,
    /** It names identities, roles or path prefixes, and never a whole trust domain. */
    PATH_PREFIX,
    /** Mutual TLS is enough. */
    GATEWAY
  }

  /** One row. */
  record Service(
      IdentityPatterns ids,
      Source source,
      Duration maxLifetime,
      Rotation rotation,
      Granularity granularity) {}

  /**
   * Reads a document of services.
   *
   * @throws InvalidPolicyException naming what is wrong and where
   */
  static ServiceTable read(String document) throws InvalidPolicyException {
    PolicyNode root = PolicyDocument.readOne(document, "services file").only(Set.of("services"));
    List<Service> services = new ArrayList<>();
    for (PolicyNode row : root.get("services", "a list of services").items()) {
      row.only(Set.of("ids", "identity_source", "max_svid_lifetime", "rotation", "granularity"));
      services.add(
          new Service(
              row.get("ids", "a list of SPIFFE IDs").identities(),
              row.get("identity_source", "a source").word(Source.class),
              lifetime(row.get("max_svid_lifetime", "a time such as 15m")),
              row.get("rotation", "automatic or manual").word(Rotation.class),
              row.get("granularity", "a granularity").word(Granularity.class)));
    }
    return new ServiceTable(services);
  }

  private static Duration lifetime(PolicyNode node) throws InvalidPolicyException {
    Matcher matcher = LIFETIME.matcher(node.text());
    if (!matcher.matches()) {
      throw node.invalid("a time such as 30s, 15m, 24h or 2d");
    }
    return Duration.parse(
        (matcher.group(2).equals("d") ? "P" : "PT")
            + matcher.group(1)
            + matcher.group(2).toUpperCase(Locale.ROOT));
  }

  Optional<Service> find(SpiffeId id) {
    return Optional.ofNullable(row(id));
  }

  /**
   * Whether a peer's SVID may live as long as it does; no, if that is agreed and it has none.
   * Allocates nothing.
   */
  boolean allowsLifetime(ConnectionFacts peer) {
    Service row = row(peer.id());
    return row == null || peer.lifetimeMs() <= row.maxLifetime().toMillis();
  }

  /** Whether an identity's SVIDs are replaced without a person. */
  boolean rotates(@Nullable SpiffeId id) {
    Service row = id == null ? null : row(id);
    return row == null || row.rotation() == Rotation.AUTOMATIC;
  }

  private @Nullable Service row(SpiffeId id) {
    for (int i = 0; i < services.size(); i++) {
      if (services.get(i).ids().matches(id)) {
        return services.get(i);
      }
    }
    return null;
  }

  /**
   * Checks this workload's own SVID.
   *
   * @throws MeshRuntimeException if it lives longer than its row allows, or comes from elsewhere
   */
  void requireOwn(X509Svid own, Source source) {
    Service row = row(own.id());
    if (row == null) {
      return;
    }
    if (row.source() != source) {
      throw new MeshRuntimeException(
          "the services file says that the identity of "
              + own.id()
              + " comes from "
              + row.source().name().toLowerCase(Locale.ROOT)
              + ": this process takes it from "
              + source.name().toLowerCase(Locale.ROOT));
    }
    if (own.lifetime().compareTo(row.maxLifetime()) > 0) {
      throw new MeshRuntimeException(
          "the SVID of "
              + own.id()
              + " lives for "
              + own.lifetime()
              + ": the services file allows "
              + row.maxLifetime());
    }
  }

  /**
   * Checks the policy of a service against its granularity.
   *
   * @throws InvalidPolicyException naming the first rule that is too wide
   */
  void check(AuthorizationPolicy policy, SpiffeId service) throws InvalidPolicyException {
    Service row = row(service);
    if (row == null) {
      return;
    }
    for (AuthorizationPolicy.Rule rule : policy.allowRules()) {
      boolean narrow =
          switch (row.granularity()) {
            case GATEWAY -> true;
            case PATH_PREFIX -> names(rule, patterns -> !patterns.spansTrustDomain());
            case IDENTITY -> names(rule, IdentityPatterns::namesSingleIdentities);
          };
      if (!narrow) {
        throw new InvalidPolicyException(
            "rule "
                + rule.id()
                + " is wider than the services file lets the policy of "
                + service
                + " be: granularity "
                + row.granularity().name().toLowerCase(Locale.ROOT));
      }
    }
  }

  private static boolean names(AuthorizationPolicy.Rule rule, Predicate<IdentityPatterns> narrow) {
    return rule.conditions().stream()
        .anyMatch(
            condition ->
                condition instanceof Condition.Identity identity
                    && !identity.negated()
                    && (identity.byRole() || narrow.test(identity.patterns())));
  }
}
