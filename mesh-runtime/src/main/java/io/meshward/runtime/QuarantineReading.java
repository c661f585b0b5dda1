package io.meshward.runtime;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How this workload comes by its holds: from their source, at the start for want of it from a
 * snapshot on disk, which is kept from then on. Thread-safe.
 */
final class QuarantineReading {
  private static final Logger log = LoggerFactory.getLogger(QuarantineReading.class);

  private final QuarantineSource source;
  private final QuarantineEnforcer enforcer;
  private final @Nullable QuarantineSnapshot snapshot;
  private final Clock clock;
  private volatile @Nullable Instant snapshotUsed;

  /**
   * @param snapshot where holds are kept, if they are
   */
  QuarantineReading(
      QuarantineSource source,
      QuarantineEnforcer enforcer,
      @Nullable QuarantineSnapshot snapshot,
      Clock clock) {
    this.source = source;
    this.enforcer = enforcer;
    this.snapshot = snapshot;
    this.clock = clock;
  }

  /** Begins to read. */
  void begin() {
    source.watch(enforcer);
  }

  /** Waits until the holds have been read; after the deadline those of the snapshot are applied. */
  void await(Duration deadline) throws InterruptedException {
    if (!enforcer.awaitRead(deadline)) {
      useSnapshot();
    }
  }

  private void useSnapshot() {
    Optional<QuarantineSnapshot.Loaded> loaded =
        snapshot == null ? Optional.empty() : snapshot.load();
    if (loaded.isEmpty()) {
      log.atError().log("the quarantine could not be read yet: every peer is refused until then");
      return;
    }
    log.atWarn()
        .addKeyValue("since", loaded.get().upToDateAt())
        .addKeyValue("holds", loaded.get().holds().size())
        .log("the quarantine could not be read yet: its snapshot is applied until then");
    snapshotUsed = loaded.get().upToDateAt();
    enforcer.fallBackTo(loaded.get().holds());
  }

  /** How old what is known is, in milliseconds; negative while nothing is. */
  long ageMs() {
    long age = source.ageMs();
    Instant kept = snapshotUsed;
    return age < 0 && kept != null ? Duration.between(kept, clock.instant()).toMillis() : age;
  }

  /** Keeps what is known on disk, where that is wanted. For one thread. */
  void keep() {
    if (snapshot != null) {
      snapshot.keep(enforcer.known(), source.ageMs());
    }
  }
}
