package io.meshward.testkit;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the streams of one method are told: each is given the full state at once and after each
 * change (Workload API 4.3). A client that does not read skips to the latest state, so nothing
 * queues up for it. Safe for use by several threads.
 */
final class Feed<M> {

  private final Map<ServerCallStreamObserver<M>, Long> revisionSent = new LinkedHashMap<>();
  private @Nullable M current;
  private @Nullable Status failure;
  private long revision;
  private long opened;

  /** Takes a new stream; to be called within the method that the stream belongs to. */
  synchronized void open(ServerCallStreamObserver<M> stream) {
    opened++;
    stream.setOnCancelHandler(() -> forget(stream));
    stream.setOnReadyHandler(() -> send(stream));
    if (failure != null) {
      stream.onError(failure.asRuntimeException());
      return;
    }
    revisionSent.put(stream, -1L);
    send(stream);
  }

  /** Tells all streams, and those to come. */
  synchronized void set(M message) {
    current = message;
    failure = null;
    revision++;
    List.copyOf(revisionSent.keySet()).forEach(this::send);
  }

  /** Ends all streams with an error, and those to come. */
  synchronized void fail(Status status) {
    failure = status;
    for (ServerCallStreamObserver<M> stream : List.copyOf(revisionSent.keySet())) {
      stream.onError(status.asRuntimeException());
    }
    revisionSent.clear();
  }

  /** Tells nothing to the streams to come. */
  synchronized void hold() {
    current = null;
    failure = null;
  }

  /** Ends all streams without an error. */
  synchronized void end() {
    for (ServerCallStreamObserver<M> stream : List.copyOf(revisionSent.keySet())) {
      stream.onCompleted();
    }
    revisionSent.clear();
  }

  synchronized int openStreams() {
    return revisionSent.size();
  }

  synchronized long opened() {
    return opened;
  }

  private synchronized void send(ServerCallStreamObserver<M> stream) {
    Long sent = revisionSent.get(stream);
    if (sent != null && sent < revision && current != null && stream.isReady()) {
      revisionSent.put(stream, revision);
      stream.onNext(current);
    }
  }

  private synchronized void forget(ServerCallStreamObserver<M> stream) {
    revisionSent.remove(stream);
  }
}
