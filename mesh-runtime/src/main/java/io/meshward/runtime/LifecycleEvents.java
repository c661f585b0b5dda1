package io.meshward.runtime;

import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.SvidLifecycle.Svid;
import io.meshward.schemas.TrustDomain;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports what happens to this workload's own identity, policy and events. */
final class LifecycleEvents implements OwnIdentity.Listener, PolicyStore.Listener {
  private static final Logger log = LoggerFactory.getLogger(LifecycleEvents.class);

  private final EventReporter reporter;
  private final IdentitySource source;
  private final Clock clock;
  private final Map<EventClass, Long> dropsReported = new EnumMap<>(EventClass.class);
  private final Map<EventClass, Long> leftOutReported = new EnumMap<>(EventClass.class);
  private long refusedReported;

  /** What was issued last: the state that it is expired does not name it. */
  private volatile @Nullable X509Svid issued;

  private @Nullable String heldBy;
  private RuntimeState lastSeen = new RuntimeState.Starting("");

  LifecycleEvents(EventReporter reporter, IdentitySource source, Clock clock) {
    this.reporter = reporter;
    this.source = source;
    this.clock = clock;
  }

  @Override
  public void identityChanged(@Nullable WorkloadIdentity before, IdentityUpdate update) {
    switch (update) {
      case IdentityUpdate.Issued issued -> issued(before, issued.identity());
      case IdentityUpdate.Withdrawn withdrawn ->
          report(
              new LifecycleChange(before == null ? Change.FETCH_ERROR : Change.WITHDRAWN)
                  .of(before == null ? null : before.svid())
                  .error(withdrawn.reason()));
      case IdentityUpdate.Failed failed ->
          report(
              new LifecycleChange(Change.FETCH_ERROR)
                  .of(before == null ? null : before.svid())
                  .error(failed.reason()));
    }
  }

  private void issued(@Nullable WorkloadIdentity before, WorkloadIdentity now) {
    issued = now.svid();
    if (before == null) {
      report(new LifecycleChange(Change.FETCHED).of(now.svid()));
    } else if (!before.svid().leaf().equals(now.svid().leaf())) {
      log.atInfo()
          .addKeyValue("id", now.svid().id())
          .addKeyValue("until", now.svid().notAfter())
          .log("the SVID is rotated");
      report(
          new LifecycleChange(Change.ROTATED).of(now.svid()).agePercent(agePercent(before.svid())));
    }
    if (before != null) {
      now.bundles().values().stream()
          .filter(bundle -> !bundle.equals(before.bundles().get(bundle.trustDomain())))
          .forEach(
              bundle -> bundleChanged(before.bundles().get(bundle.trustDomain()), bundle, null));
      before.bundles().values().stream()
          .filter(bundle -> !now.bundles().containsKey(bundle.trustDomain()))
          .forEach(
              gone -> bundleChanged(gone, new TrustBundle(gone.trustDomain(), List.of()), null));
    }
  }

  /**
   * Looks whether time alone has changed how the identity stands, and says whether the state is
   * another than at the last look. For one thread.
   *
   * @param rotates whether a new SVID is to come by itself
   */
  boolean observe(RuntimeState state, boolean rotates) {
    boolean same = state.getClass() == lastSeen.getClass();
    lastSeen = state;
    if (same) {
      return false;
    }
    switch (state) {
      case RuntimeState.Stale stale when !rotates -> {}
      case RuntimeState.Stale stale -> {
        log.atWarn()
            .addKeyValue("until", stale.svid().notAfter())
            .addKeyValue("problem", stale.problem())
            .log("no new SVID although two thirds of the life of this one are over");
        report(new LifecycleChange(Change.STALLED).of(stale.svid()).error(stale.problem()));
      }
      case RuntimeState.Expired expired -> {
        log.atError()
            .addKeyValue("since", expired.since())
            .log("the SVID is expired: nothing is served or dialled");
        report(
            new LifecycleChange(Change.EXPIRED).of(issued).error("expired at " + expired.since()));
      }
      case RuntimeState.Starting starting -> {}
      case RuntimeState.Ready ready -> {}
      case RuntimeState.Withdrawn withdrawn -> {}
    }
    return true;
  }

  /**
   * Looks whether this workload itself has come to be held, or is not any more. For one thread.
   *
   * @param hold that refuses it, if any
   */
  void observeOwn(@Nullable Hold hold) {
    String containment = hold == null ? null : hold.key().containment();
    if (Objects.equals(containment, heldBy)) {
      return;
    }
    if (containment != null) {
      log.atError()
          .addKeyValue("containment", containment)
          .log("own identity is quarantined: nothing is served or dialled");
      report(
          new LifecycleChange(Change.QUARANTINED)
              .error("own identity is quarantined by containment " + containment));
    } else {
      log.atWarn()
          .addKeyValue("containment", heldBy)
          .log("own identity is not quarantined any more");
      report(new LifecycleChange(Change.RELEASED).error("released by containment " + heldBy));
    }
    heldBy = containment;
  }

  /** Reports what the sink has dropped since the last such report. For one thread. */
  void reportDrops(EventSink sink) {
    for (EventClass eventClass : EventClass.values()) {
      long total = sink.dropped(eventClass);
      long since = total - dropsReported.getOrDefault(eventClass, 0L);
      if (since > 0
          && reporter.lifecycle(missing(Change.EVENTS_DROPPED, since, label(eventClass)))) {
        dropsReported.put(eventClass, total);
        log.atWarn()
            .addKeyValue("class", eventClass)
            .addKeyValue("count", since)
            .log("events were dropped: the sink could not send them in time");
      }
    }
  }

  /**
   * Reports what has not been reported on purpose since the last such report. For one thread.
   *
   * @param total how much it is in all
   */
  void reportLeftOut(EventClass eventClass, long total) {
    long since = total - leftOutReported.getOrDefault(eventClass, 0L);
    if (since > 0
        && reporter.lifecycle(missing(Change.EVENTS_LEFT_OUT, since, label(eventClass)))) {
      leftOutReported.put(eventClass, total);
    }
  }

  /**
   * Reports the connections that were refused since the last such report, because there were too
   * many. For one thread.
   *
   * @param total how many it were in all
   */
  void reportRefusedConnections(long total) {
    long since = total - refusedReported;
    if (since > 0 && reporter.lifecycle(missing(Change.CONNECTIONS_REFUSED, since, null))) {
      refusedReported = total;
      log.atWarn()
          .addKeyValue("count", since)
          .log("connections were refused: there were too many at a time");
    }
  }

  @Override
  public void policyLoaded(PolicySet policies) {
    AuthorizationPolicy shadow = policies.shadow();
    log.atInfo()
        .addKeyValue("policy", policies.enforced().id())
        .addKeyValue("shadow", shadow == null ? "none" : shadow.id())
        .log("a policy is loaded");
    reporter.lifecycle(
        new LifecycleChange(Change.POLICY_LOADED).policy(policies.enforced()).build());
  }

  @Override
  public void policyRejected(PolicySet kept, String problem) {
    log.atError()
        .addKeyValue("problem", problem)
        .addKeyValue("kept", kept.enforced().id())
        .log("the policy is not usable: the last good one stays");
    reporter.lifecycle(
        new LifecycleChange(Change.POLICY_REJECTED).error(problem).policy(kept.enforced()).build());
  }

  /** Reports that other revocation lists are in force. */
  void revocationListsChanged(RevocationLists inForce) {
    log.atInfo().addKeyValue("count", inForce.lists().size()).log("revocation lists are in force");
    report(new LifecycleChange(Change.CRL).revocations(inForce));
  }

  /** Reports that some could not be read; those of before stay. */
  void revocationListsUnreadable(String problem, RevocationLists inForce) {
    report(new LifecycleChange(Change.CRL).error(problem).revocations(inForce));
  }

  /** Reports that TLS is not by whom it should be, if so. */
  void tlsFallback(TlsProvider provider) {
    if (provider.fallback() != null) {
      report(new LifecycleChange(Change.TLS_FALLBACK).error(provider.fallback()));
    }
  }

  /** Reports a token that this workload was given. */
  void jwtFetched(JwtSvid svid) {
    reporter.lifecycle(new LifecycleChange(Change.JWT_FETCHED).of(svid, clock.instant()).build());
  }

  private void report(LifecycleChange change) {
    reporter.lifecycle(change.stream(source.opened()).build());
  }

  /**
   * Reports changed bundles that the Workload API does not tell of.
   *
   * @param sequence that of the bundle that was fetched of a trust domain, if it has one
   */
  void fetchedBundles(
      Map<TrustDomain, TrustBundle> before,
      Map<TrustDomain, TrustBundle> now,
      Set<TrustDomain> ofWorkloadApi,
      Function<TrustDomain, @Nullable Long> sequence) {
    now.values().stream()
        .filter(bundle -> !ofWorkloadApi.contains(bundle.trustDomain()))
        .filter(bundle -> !bundle.equals(before.get(bundle.trustDomain())))
        .forEach(
            bundle ->
                bundleChanged(
                    before.get(bundle.trustDomain()),
                    bundle,
                    sequence.apply(bundle.trustDomain())));
  }

  /** Reports that a bundle could not be fetched, or was refused: that of before stays. */
  void bundleRefused(TrustDomain trustDomain, String problem) {
    reporter.lifecycle(
        new LifecycleChange(Change.FETCH_ERROR).error(problem).trustDomain(trustDomain).build());
  }

  /**
   * @param sequence of the document that it came in; the Workload API has none
   */
  private void bundleChanged(
      @Nullable TrustBundle before, TrustBundle now, @Nullable Long sequence) {
    Set<String> old = before == null ? Set.of() : before.keys();
    List<String> added = new ArrayList<>(now.keys());
    added.removeAll(old);
    List<String> removed = new ArrayList<>(old);
    removed.removeAll(now.keys());
    report(
        new LifecycleChange(Change.BUNDLE_CHANGED)
            .trustDomain(now.trustDomain())
            .sequence(sequence)
            .keys(added, removed));
  }

  private static String label(EventClass eventClass) {
    return eventClass.name().toLowerCase(Locale.ROOT);
  }

  private static Svid missing(Change change, long count, @Nullable String eventClass) {
    return new LifecycleChange(change).dropped(count, eventClass).build();
  }

  private int agePercent(X509Svid replaced) {
    long lived = Duration.between(replaced.notBefore(), clock.instant()).toMillis();
    return (int) (100 * lived / Math.max(1, replaced.lifetime().toMillis()));
  }
}
