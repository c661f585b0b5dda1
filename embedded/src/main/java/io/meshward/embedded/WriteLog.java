package io.meshward.embedded;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;

/**
 * The writes that clients asked of the API double, in the order in which they were answered; the
 * controllers' own are not among them. Holds the newest {@value #CAPACITY}; older ones are only
 * counted. Thread-safe.
 */
public final class WriteLog {

  static final int CAPACITY = 10_000;

  /**
   * One write.
   *
   * @param sequence counts from 1
   * @param time when it was answered
   * @param call the request
   * @param fieldManager its field manager, empty where refused before that was known
   * @param code the HTTP status; of a request cut after commit the one that it would have had
   * @param reason the reason of a refusal, else empty
   */
  public record Write(
      long sequence, Instant time, ApiCall call, String fieldManager, int code, String reason) {

    /** Whether the API server accepted it. */
    public boolean accepted() {
      return code < 300;
    }

    /** Whether it changed anything: accepted, and no dry run. */
    public boolean persisted() {
      return accepted() && !call.isDryRun();
    }
  }

  private final Deque<Write> writes = new ArrayDeque<>();
  private long count;

  WriteLog() {}

  synchronized void add(Instant time, ApiCall call, String fieldManager, int code, String reason) {
    count++;
    writes.addLast(new Write(count, time, call, fieldManager, code, reason));
    if (writes.size() > CAPACITY) {
      writes.removeFirst();
    }
  }

  /** The kept writes, oldest first. */
  public synchronized List<Write> all() {
    return List.copyOf(writes);
  }

  /** The kept writes that match, oldest first. */
  public synchronized List<Write> matching(Predicate<Write> predicate) {
    return writes.stream().filter(predicate).toList();
  }

  /** All writes ever, kept or not. */
  public synchronized long count() {
    return count;
  }
}
