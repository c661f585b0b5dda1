package io.meshward.runtime;

import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.QuarantineKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The holds on disk, for a start while their source cannot be read: whoever was held when the
 * workload ended stays out, and everybody else is served. One that is too old, or damaged in any
 * way, is not used. For one thread.
 */
final class QuarantineSnapshot {
  private static final Logger log = LoggerFactory.getLogger(QuarantineSnapshot.class);

  /** How far the source may be behind for its holds to be worth keeping. */
  private static final Duration UP_TO_DATE = Duration.ofSeconds(5);

  /** How often it is written though nothing has changed, so that its age is known. */
  private static final Duration WRITE_EVERY = Duration.ofSeconds(30);

  /**
   * Where it is, and how old it may be.
   *
   * @param file replaced as a whole; its folder must exist
   */
  record Place(Path file, Duration maxAge) {}

  /** What was read. */
  record Loaded(List<Hold> holds, Instant upToDateAt) {}

  /** The file's JSON. */
  private record Document(Instant upToDateAt, List<Entry> holds) {}

  private record Entry(
      String key,
      @Nullable Instant placedAt,
      @Nullable Instant expiresAt,
      @Nullable Instant issuedBefore) {}

  private final Place place;
  private final Clock clock;
  private List<Hold> written = List.of();
  private Instant writtenAt = Instant.MIN;
  private @Nullable String problem;

  QuarantineSnapshot(Place place, Clock clock) {
    this.place = place;
    this.clock = clock;
  }

  /** Reads what was kept; nothing, and a reason in the log, if that cannot be used. */
  Optional<Loaded> load() {
    try {
      Document document = EventCodec.decodeValue(Files.readAllBytes(place.file()), Document.class);
      Duration age = Duration.between(document.upToDateAt(), clock.instant());
      // By as much as it may be old a clock may have been set back.
      if (age.abs().compareTo(place.maxAge()) > 0) {
        log.atError()
            .addKeyValue("file", place.file())
            .addKeyValue("age", age)
            .addKeyValue("maxAge", place.maxAge())
            .log("the snapshot of the quarantine is too old to be used");
        return Optional.empty();
      }
      List<Hold> holds = new ArrayList<>();
      for (Entry entry : document.holds()) {
        holds.add(
            new Hold(
                QuarantineKey.parse(entry.key()),
                entry.placedAt(),
                entry.expiresAt(),
                entry.issuedBefore()));
      }
      return Optional.of(new Loaded(List.copyOf(holds), document.upToDateAt()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | MalformedEventException e) {
      log.atError()
          .addKeyValue("file", place.file())
          .setCause(e)
          .log("the snapshot of the quarantine cannot be read");
      return Optional.empty();
    }
  }

  /**
   * Keeps holds that are up to date, when they or much time have changed.
   *
   * @param ageMs how long ago the source knew that they were, in milliseconds; -1 if never
   */
  void keep(Collection<Hold> holds, long ageMs) {
    Instant now = clock.instant();
    if (ageMs < 0 || ageMs > UP_TO_DATE.toMillis()) {
      return;
    }
    List<Hold> next = List.copyOf(holds);
    if (next.equals(written) && now.isBefore(writtenAt.plus(WRITE_EVERY))) {
      return;
    }
    try {
      write(next, now.minusMillis(ageMs));
      written = next;
      writtenAt = now;
      problem = null;
    } catch (IOException e) {
      if (!e.toString().equals(problem)) {
        problem = e.toString();
        log.atWarn()
            .addKeyValue("file", place.file())
            .setCause(e)
            .log("the snapshot of the quarantine cannot be written");
      }
    }
  }

  private void write(List<Hold> holds, Instant upToDateAt) throws IOException {
    Document document =
        new Document(
            upToDateAt,
            holds.stream()
                .map(
                    hold ->
                        new Entry(
                            hold.key().toString(),
                            hold.placedAt(),
                            hold.expiresAt(),
                            hold.issuedBefore()))
                .toList());
    Path folder = place.file().toAbsolutePath().getParent();
    // Readable by its owner alone, as temporary files are.
    Path next = Files.createTempFile(folder, "quarantine", ".json");
    try {
      Files.write(next, EventCodec.encodeValue(document));
      Files.move(next, place.file(), StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(next);
    }
  }
}
