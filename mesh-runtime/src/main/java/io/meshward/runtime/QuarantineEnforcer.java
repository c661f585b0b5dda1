package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies holds: refuses their subjects from now on, cuts their live connections, and reports what
 * it did. A hold on this workload itself refuses and cuts everybody. A hold that ends by itself is
 * released by this workload's clock. Protected identities are never refused, and a hold that meets
 * one is reported as such, once. Thread-safe.
 */
final class QuarantineEnforcer implements QuarantineSource.Listener {
  private static final Logger log = LoggerFactory.getLogger(QuarantineEnforcer.class);

  /** How long it may be until the holds are looked at again; one may end far in the future. */
  private static final Duration LONGEST_WAIT = Duration.ofDays(1);

  /** How long a connection may take to be gone before the report is made without it. */
  private static final long CUT_TIMEOUT_MS = 1_000;

  private final Admission admission;
  private final Trust trust;
  private final ConnectionTracker tracker;
  private final Consumer<Refusal> cutOthers;
  private final EventReporter reporter;
  private final IdentityPatterns protectedIdentities;
  private final Clock clock;
  private final ScheduledExecutorService timer;
  private final CountDownLatch read = new CountDownLatch(1);

  /** The holds that met a protected identity, and of which that is reported. */
  private final Set<QuarantineKey> sparing = ConcurrentHashMap.newKeySet();

  private Map<QuarantineKey, Hold> known = Map.of();
  private Map<QuarantineKey, Hold> applied = Map.of();
  private @Nullable Future<?> nextExpiry;

  /**
   * @param cutOthers ends the connections that {@code tracker} does not know, which is done when
   *     this workload itself is held
   */
  QuarantineEnforcer(
      Admission admission,
      ConnectionTracker tracker,
      Consumer<Refusal> cutOthers,
      EventReporter reporter,
      IdentityPatterns protectedIdentities,
      Clock clock,
      ScheduledExecutorService timer) {
    this.admission = admission;
    this.trust = admission.trust();
    this.tracker = tracker;
    this.cutOthers = cutOthers;
    this.reporter = reporter;
    this.protectedIdentities = protectedIdentities;
    this.clock = clock;
    this.timer = timer;
  }

  @Override
  public synchronized void holds(Collection<Hold> holds) {
    Map<QuarantineKey, Hold> next = new HashMap<>();
    holds.forEach(hold -> next.put(hold.key(), hold));
    known = next;
    apply();
    read.countDown();
  }

  /** Applies holds that were kept from before, unless they have been read meanwhile. */
  synchronized void fallBackTo(Collection<Hold> kept) {
    if (read.getCount() > 0) {
      holds(kept);
    }
  }

  /** All holds as they were last read, those that are over included. */
  synchronized List<Hold> known() {
    return List.copyOf(known.values());
  }

  /** Waits until the holds have been read; false if that did not happen in time. */
  boolean awaitRead(Duration deadline) throws InterruptedException {
    return read.await(deadline.toMillis(), MILLISECONDS);
  }

  private synchronized void apply() {
    Instant now = clock.instant();
    Map<QuarantineKey, Hold> live = new HashMap<>(known);
    live.values().removeIf(hold -> !hold.livesAt(now));
    Map<QuarantineKey, Hold> before = applied;
    Map<QuarantineKey, Hold> after = new HashMap<>(live);
    applied = after;
    // First refuse what comes from now on, then cut what is there: nothing slips in between.
    trust.holds(Holds.of(live.values(), protectedIdentities, this::spares));
    for (Hold hold : live.values()) {
      if (!hold.equals(before.get(hold.key())) && !tryToEnforce(hold)) {
        // The next look at the holds enforces it again.
        after.remove(hold.key());
      }
    }
    for (Hold hold : before.values()) {
      if (!live.containsKey(hold.key()) && !refusesNobody(hold)) {
        log.atInfo().addKeyValue("hold", hold.key()).log("a hold is released");
        report(hold, Outcome.RELEASED, 0);
      }
    }
    sparing.retainAll(live.keySet());
    awaitNextExpiry(live.values(), now);
  }

  private void awaitNextExpiry(Collection<Hold> live, Instant now) {
    if (nextExpiry != null) {
      nextExpiry.cancel(false);
    }
    nextExpiry =
        live.stream()
            .flatMap(hold -> Optional.ofNullable(hold.expiresAt()).stream())
            .min(Instant::compareTo)
            .map(end -> timer.schedule(this::apply, wait(now, end).toMillis() + 1, MILLISECONDS))
            .orElse(null);
  }

  private static Duration wait(Instant now, Instant end) {
    Duration left = Duration.between(now, end);
    return left.compareTo(LONGEST_WAIT) < 0 ? left : LONGEST_WAIT;
  }

  /** Enforces a hold; false if that failed, which keeps no other hold from being enforced. */
  private boolean tryToEnforce(Hold hold) {
    try {
      enforce(hold);
      return true;
    } catch (RuntimeException e) {
      log.atError()
          .addKeyValue("hold", hold.key())
          .setCause(e)
          .log("a hold refuses from now on, but what is open could not be cut for it");
      return false;
    }
  }

  private void enforce(Hold hold) {
    if (isProtected(hold)) {
      spares(hold, SpiffeId.parse(hold.key().subject().value()));
      return;
    }
    Holds one = Holds.of(List.of(hold), protectedIdentities, this::spares);
    Instant now = clock.instant();
    boolean ownIsHeld = admission.isHeldItself(one, now);
    Refusal why = Refusal.of(ownIsHeld ? Admission.ownHeldBy(hold) : Admission.heldBy(hold, null));
    if (ownIsHeld) {
      cutOthers.accept(why);
    }
    List<TrackedConnection> held = new ArrayList<>();
    for (TrackedConnection connection : tracker.connections()) {
      if (ownIsHeld || connection.heldBy(one, now).isPresent()) {
        held.add(connection);
      }
    }
    ConnectionTracker.cut(held, why);
    if (refusesNobody(hold)) {
      return;
    }
    log.atWarn()
        .addKeyValue("hold", hold.key())
        .addKeyValue("connections", held.size())
        .log("a hold is applied");
    reportWhenGone(hold, held);
  }

  private void reportWhenGone(Hold hold, List<TrackedConnection> held) {
    AtomicInteger left = new AtomicInteger(held.size());
    CompletableFuture<@Nullable Void> allGone = new CompletableFuture<>();
    if (held.isEmpty()) {
      allGone.complete(null);
    }
    for (TrackedConnection connection : held) {
      connection.onClose(
          () -> {
            if (left.decrementAndGet() == 0) {
              allGone.complete(null);
            }
          });
    }
    var unused =
        allGone
            .orTimeout(CUT_TIMEOUT_MS, MILLISECONDS)
            .whenComplete((done, late) -> report(hold, Outcome.APPLIED, held.size() - left.get()));
  }

  /**
   * A hold met a protected identity, when it came or when that connected or was called for. Called
   * with and without the lock of this object, and by those who hold a connection's.
   */
  private void spares(Hold hold, SpiffeId met) {
    if (sparing.add(hold.key())) {
      log.atError()
          .addKeyValue("hold", hold.key())
          .addKeyValue("identity", met)
          .log("a hold meets a protected identity, which is not refused");
      report(hold, Outcome.REFUSED_PROTECTED, 0);
    }
  }

  /** Whether a hold refuses nobody: it is on one identity or certificate, which is protected. */
  private boolean refusesNobody(Hold hold) {
    return switch (hold.key().subject().kind()) {
      case SPIFFE_ID -> isProtected(hold);
      case SERIAL, KEY_HASH -> sparing.contains(hold.key());
      case PATH_PREFIX, TRUST_DOMAIN, IP -> false;
    };
  }

  private boolean isProtected(Hold hold) {
    Subject subject = hold.key().subject();
    return subject.kind() == Subject.Kind.SPIFFE_ID
        && protectedIdentities.matches(SpiffeId.parse(subject.value()));
  }

  private void report(Hold hold, Outcome outcome, int connectionsCut) {
    reporter.enforcement(
        new Enforcement(
            new Enforcement.Applied(
                hold.key().containment(),
                outcome,
                connectionsCut,
                clock.instant(),
                hold.placedAt()),
            hold.key().subject(),
            reporter.local()));
  }
}
