package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ObjectStore.Change;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * One watch: events as lines of JSON until its time is over, the server closes, or the client is
 * too slow. A client that lags further behind than the queue holds loses its connection, as at a
 * real server, and starts again from its last version.
 */
final class WatchStream {

  /** What a watch selects. */
  record Selection(ResourceType type, String namespace, Predicate<ApiObject> filter) {}

  private final ObjectStore store;
  private final Selection selection;
  private final boolean bookmarks;
  private final Duration bookmarkInterval;

  /** Changes, and nothing when the stream is ended: whoever waits for a change then wakes up. */
  private final BlockingQueue<Optional<Change>> queue;

  private volatile boolean ended;
  private long sentVersion;

  WatchStream(
      ObjectStore store,
      Selection selection,
      boolean bookmarks,
      Duration bookmarkInterval,
      int capacity) {
    this.store = store;
    this.selection = selection;
    this.bookmarks = bookmarks;
    this.bookmarkInterval = bookmarkInterval;
    this.queue = new LinkedBlockingQueue<>(capacity);
  }

  /** Ends the stream at once. */
  void end() {
    ended = true;
    boolean _ = queue.offer(Optional.empty());
  }

  /**
   * Where a watch starts.
   *
   * @param version the version after which changes are sent
   * @param initial objects to send first, as added
   * @param announceEnd a bookmark marks the end of the initial objects
   */
  record Start(long version, List<ApiObject> initial, boolean announceEnd) {}

  /** Writes events until the stream ends; an exception means that the client is gone. */
  void run(Start start, Duration timeout, OutputStream out) throws IOException {
    Consumer<Change> listener =
        change -> {
          if (!queue.offer(Optional.of(change))) {
            ended = true;
          }
        };
    try {
      List<Change> missed;
      try {
        missed = store.follow(start.version(), listener);
      } catch (ApiFailure e) {
        send(out, "ERROR", e.status());
        return;
      }
      sentVersion = start.version();
      for (ApiObject object : start.initial()) {
        send(out, "ADDED", object.json());
      }
      if (start.announceEnd()) {
        bookmark(out, true);
      }
      for (Change change : missed) {
        send(out, change);
      }
      out.flush();
      follow(timeout, out);
    } finally {
      store.unfollow(listener);
    }
  }

  private void follow(Duration timeout, OutputStream out) throws IOException {
    long end = System.nanoTime() + timeout.toNanos();
    long nextBookmark = System.nanoTime() + bookmarkInterval.toNanos();
    while (!ended && System.nanoTime() < end) {
      long next = bookmarks ? Math.min(nextBookmark, end) : end;
      Optional<Change> change;
      try {
        change = queue.poll(next - System.nanoTime(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        return;
      }
      if (change != null && change.isPresent()) {
        send(out, change.get());
        out.flush();
      } else if (change == null && bookmarks && System.nanoTime() >= nextBookmark) {
        bookmark(out, false);
        out.flush();
        nextBookmark = System.nanoTime() + bookmarkInterval.toNanos();
      }
    }
  }

  private void send(OutputStream out, Change change) throws IOException {
    sentVersion = change.version();
    if (!change.key().storage().equals(selection.type().storage())
        || (!selection.namespace().isEmpty()
            && !selection.namespace().equals(change.key().namespace()))) {
      return;
    }
    boolean before = change.before() != null && selection.filter().test(change.before());
    boolean after = !change.deleted() && selection.filter().test(change.after());
    Optional<String> type =
        before
            ? Optional.of(after ? "MODIFIED" : "DELETED")
            : after ? Optional.of("ADDED") : Optional.empty();
    if (type.isPresent()) {
      send(out, type.get(), EventVersions.toServed(selection.type(), object(change, after)).json());
    }
  }

  /** What leaves the selection is sent as it last was in it, under the version at which it left. */
  private static ApiObject object(Change change, boolean selected) {
    if (selected || change.deleted() || change.before() == null) {
      return change.after();
    }
    ApiObject last = change.before().copy();
    last.metadata().put("resourceVersion", Long.toString(change.version()));
    return last;
  }

  private void bookmark(OutputStream out, boolean initialEnd) throws IOException {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("kind", selection.type().kind()).put("apiVersion", selection.type().apiVersion());
    ObjectNode metadata =
        object.putObject("metadata").put("resourceVersion", Long.toString(sentVersion));
    if (initialEnd) {
      metadata.putObject("annotations").put("k8s.io/initial-events-end", "true");
    }
    send(out, "BOOKMARK", object);
  }

  private static void send(OutputStream out, String type, ObjectNode object) throws IOException {
    ObjectNode event = JsonNodeFactory.instance.objectNode();
    event.put("type", type).set("object", object);
    out.write((event + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
