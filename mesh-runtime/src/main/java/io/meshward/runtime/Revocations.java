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

  /** Who goes by the lists. */
  interface Follower {
    /**
     * Called when there are others than before, or first what becomes of who is on none.
     *
     * @param changed whether the lists are others
     */
    void follow(RevocationLists lists, boolean changed);

    /**
     * Called when something in the directory cannot be read, and what is wrong has changed.
     *
     * @param inForce the lists that count all the same
     */
    void unreadable(String problem, RevocationLists inForce);
  }

  private final Follower follower;
  private final @Nullable CrlDirectory directory;
  private final boolean undeterminedIsRefused;
  private List<RevocationList> fromSource = List.of();
  private List<RevocationList> fromDirectory = List.of();
  private RevocationLists inForce = RevocationLists.NONE;
  private String problem = "";

  Revocations(RevocationOptions options, Follower follower) {
    this.follower = follower;
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
        follower.unreadable(now, inForce);
      }
    }
  }

  private void apply() {
    List<RevocationList> all = new ArrayList<>(fromSource);
    all.addAll(fromDirectory);
    RevocationLists next = new RevocationLists(all, undeterminedIsRefused);
    if (!next.equals(inForce)) {
      boolean changed = !next.lists().equals(inForce.lists());
      inForce = next;
      follower.follow(next, changed);
    }
  }
}
