package io.meshward.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The revocation lists in force: those that came with this workload's SVID, and those in a
 * directory. Thread-safe.
 */
final class Revocations {
  private final Trust trust;
  private final ConnectionTracker tracker;
  private final LifecycleEvents events;
  private final @Nullable CrlDirectory directory;
  private final boolean undeterminedIsRefused;
  private List<RevocationList> fromSource = List.of();
  private List<RevocationList> fromDirectory = List.of();
  private String problem = "";

  Revocations(
      RevocationOptions options, Trust trust, ConnectionTracker tracker, LifecycleEvents events) {
    this.trust = trust;
    this.tracker = tracker;
    this.events = events;
    this.directory =
        options.crlDirectory() == null ? null : new CrlDirectory(options.crlDirectory());
    this.undeterminedIsRefused = options.undeterminedIsRefused();
    apply();
  }

  /**
   * Reads the directory for the first time.
   *
   * @throws MeshRuntimeException if something in it cannot be read
   */
  synchronized void start() {
    look();
    if (!problem.isEmpty()) {
      throw new MeshRuntimeException("revocation lists cannot be read: " + problem);
    }
  }

  /** Takes what came with the SVID. */
  synchronized void issued(List<RevocationList> lists) {
    fromSource = lists;
    apply();
  }

  /** Reads what has changed in the directory. */
  synchronized void look() {
    if (directory == null) {
      return;
    }
    fromDirectory = directory.read();
    apply();
    Map<?, String> problems = directory.problems();
    String now = problems.isEmpty() ? "" : problems.toString();
    if (!now.equals(problem)) {
      problem = now;
      if (!now.isEmpty()) {
        events.revocationListsUnreadable(now);
      }
    }
  }

  private void apply() {
    List<RevocationList> all = new ArrayList<>(fromSource);
    all.addAll(fromDirectory);
    boolean known = trust.current().revocations().lists().equals(all);
    if (trust.revocations(new RevocationLists(all, undeterminedIsRefused))) {
      tracker.judgeAgain();
      if (!known) {
        events.revocationListsChanged(all.size());
      }
    }
  }
}
