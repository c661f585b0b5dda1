package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * This workload's identity as it stands: the last snapshot of its source, unless withdrawn. Readers
 * see one snapshot at a time and never block; updates come from one thread of the source.
 */
final class OwnIdentity {

  /** Hears of every update after it took effect. */
  interface Listener {
    void identityChanged(@Nullable WorkloadIdentity before, IdentityUpdate update);
  }

  /**
   * The state as one value.
   *
   * @param current what may be used, unless expired
   * @param until the last instant at which {@code current} may be used
   * @param previous what {@code current} replaced: a handshake may still be taking it
   * @param withdrawn whether {@code current} is absent because the source took it back, and not
   *     because there never was one
   * @param problem the last thing that went wrong; empty since the last success
   */
  private record Standing(
      @Nullable WorkloadIdentity current,
      @Nullable Instant until,
      @Nullable WorkloadIdentity previous,
      boolean withdrawn,
      boolean givenUp,
      String problem) {

    Standing(
        @Nullable WorkloadIdentity current,
        @Nullable WorkloadIdentity previous,
        boolean withdrawn,
        boolean givenUp,
        String problem) {
      this(
          current,
          current == null ? null : current.svid().notAfter(),
          previous,
          withdrawn,
          givenUp,
          problem);
    }
  }

  private final Clock clock;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile Standing standing =
      new Standing(null, null, false, false, "nothing has been read yet");
  private volatile @Nullable SpiffeId lastId;

  /**
   * Whether the listeners have heard of the first SVID: peers are judged by what they took over.
   */
  private boolean announced;

  OwnIdentity(Clock clock) {
    this.clock = clock;
  }

  void addListener(Listener listener) {
    listeners.add(listener);
  }

  void accept(IdentityUpdate update) {
    WorkloadIdentity before = standing.current();
    synchronized (this) {
      standing =
          switch (update) {
            case IdentityUpdate.Issued issued -> {
              lastId = issued.identity().svid().id();
              yield new Standing(issued.identity(), before, false, false, "");
            }
            case IdentityUpdate.Withdrawn withdrawn ->
                new Standing(
                    null, null, before != null || standing.withdrawn(), false, withdrawn.reason());
            case IdentityUpdate.Failed failed ->
                new Standing(
                    before,
                    standing.previous(),
                    standing.withdrawn(),
                    !failed.retrying(),
                    failed.reason());
          };
    }
    try {
      for (Listener listener : listeners) {
        listener.identityChanged(before, update);
      }
    } finally {
      synchronized (this) {
        announced |= update instanceof IdentityUpdate.Issued;
        notifyAll();
      }
    }
  }

  /** Whether there is a snapshot to serve and dial with at that time; asked for each call. */
  boolean isUsableAt(Instant now) {
    Instant until = standing.until();
    return until != null && !until.isBefore(now);
  }

  /** The snapshot to serve and dial with now; none while starting, withdrawn or expired. */
  Optional<WorkloadIdentity> usable() {
    WorkloadIdentity current = standing.current();
    return current == null || current.svid().notAfter().isBefore(clock.instant())
        ? Optional.empty()
        : Optional.of(current);
  }

  /** The last snapshot unless withdrawn, also one whose SVID has expired. */
  Optional<WorkloadIdentity> latest() {
    return Optional.ofNullable(standing.current());
  }

  /** The snapshot of a generation, while it is the current one or the one before. */
  @Nullable WorkloadIdentity ofGeneration(long generation) {
    Standing now = standing;
    return Stream.of(Optional.ofNullable(now.current()), Optional.ofNullable(now.previous()))
        .flatMap(Optional::stream)
        .filter(identity -> identity.generation() == generation)
        .findFirst()
        .orElse(null);
  }

  /** The ID of the last SVID, also after it was withdrawn; none before the first. */
  @Nullable SpiffeId id() {
    return lastId;
  }

  RuntimeState state() {
    Standing now = standing;
    WorkloadIdentity current = now.current();
    if (current == null) {
      return now.withdrawn()
          ? new RuntimeState.Withdrawn(now.problem())
          : new RuntimeState.Starting(now.problem());
    }
    X509Svid svid = current.svid();
    Instant instant = clock.instant();
    if (svid.notAfter().isBefore(instant)) {
      return new RuntimeState.Expired(svid.notAfter());
    }
    Duration overdue = svid.lifetime().multipliedBy(2).dividedBy(3);
    return instant.isBefore(svid.notBefore().plus(overdue))
        ? new RuntimeState.Ready(svid)
        : new RuntimeState.Stale(svid, now.problem());
  }

  /**
   * Waits for the first SVID, and until every listener has heard of it.
   *
   * @throws MeshRuntimeException saying what to check, once the deadline is over or the source has
   *     given up
   */
  synchronized void awaitFirst(Duration deadline, IdentitySource source) {
    long end = System.nanoTime() + deadline.toNanos();
    while (standing.current() == null || !announced) {
      long left = Duration.ofNanos(end - System.nanoTime()).toMillis();
      if (left <= 0 || standing.givenUp()) {
        throw new MeshRuntimeException(
            "no SVID from "
                + source
                + (standing.givenUp() ? "" : " within " + deadline.toMillis() / 1000.0 + " s")
                + ": "
                + standing.problem()
                + ". Check "
                + source.whatToCheck());
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new MeshRuntimeException("interrupted while waiting for the first SVID", e);
      }
    }
  }
}
