package io.meshward.runtime;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIStub;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stream of the Workload API that is kept open: opened again after any end, OK included, with a
 * jittered wait from 0.2 to 30 seconds. {@code PermissionDenied} takes back what was said before
 * and is retried; {@code InvalidArgument} and {@code Unimplemented} are not (SPIFFE Workload
 * Endpoint 6). Everything happens on the thread of the {@link WorkloadApi}.
 *
 * @param <Q> the request
 * @param <R> one message of the stream
 */
final class KeptStream<Q, R> {
  private static final Logger log = LoggerFactory.getLogger(KeptStream.class);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  /** Hears what comes of a stream. */
  interface Listener<R> {
    /**
     * A message, which is the full state.
     *
     * @throws BadResponseException if it breaks the standard, so that it has to be discarded
     */
    void message(R message) throws BadResponseException;

    /** What was said before holds no more. */
    void denied(String reason);

    /** Nothing new could be read; what was said before still holds. */
    void failed(String reason, boolean retrying);
  }

  private final WorkloadApi api;
  private final BiConsumer<SpiffeWorkloadAPIStub, StreamObserver<R>> call;
  private final Listener<R> listener;
  private final Backoff backoff;
  private final AtomicLong opened = new AtomicLong();
  private @Nullable Opened current;
  private boolean givenUp;
  private volatile boolean closed;

  KeptStream(
      WorkloadApi api,
      BiConsumer<SpiffeWorkloadAPIStub, StreamObserver<R>> call,
      Listener<R> listener,
      RandomGenerator random) {
    this.api = api;
    this.call = call;
    this.listener = listener;
    this.backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, random);
  }

  /** How often it was opened so far. */
  long opened() {
    return opened.get();
  }

  /**
   * Opens it now, in the place of one that is open already: for one that has gone silent. One whose
   * request was wrong stays closed.
   */
  void open() {
    api.execute(
        () -> {
          Opened before = current;
          if (before != null) {
            before.cancel();
          }
          openNew();
        });
  }

  void close() {
    closed = true;
    api.execute(
        () -> {
          Opened last = current;
          if (last != null) {
            last.cancel();
          }
        });
  }

  private void openNew() {
    if (closed || givenUp || api.isClosed()) {
      return;
    }
    opened.incrementAndGet();
    Opened next = new Opened();
    current = next;
    call.accept(api.stub(), next);
  }

  private void reopen() {
    Opened ended = current;
    api.executeAfter(
        backoff.next(),
        () -> {
          if (current == ended) {
            openNew();
          }
        });
  }

  /** One opened stream. */
  private final class Opened implements ClientResponseObserver<Q, R> {
    private @Nullable ClientCallStreamObserver<Q> request;

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> started) {
      request = started;
    }

    void cancel() {
      ClientCallStreamObserver<Q> started = request;
      if (started != null) {
        started.cancel("another stream is opened, or none is needed any more", null);
      }
    }

    private boolean isOver() {
      return closed || api.isClosed() || current != this;
    }

    @Override
    public void onNext(R message) {
      if (isOver()) {
        return;
      }
      try {
        listener.message(message);
        backoff.reset();
      } catch (BadResponseException e) {
        fail("discarded a message of the Workload API: " + e.getMessage(), null);
      }
    }

    @Override
    public void onError(Throwable failure) {
      if (isOver()) {
        return;
      }
      Status status = Status.fromThrowable(failure);
      String words = api.words(status);
      switch (status.getCode()) {
        case INVALID_ARGUMENT, UNIMPLEMENTED -> {
          givenUp = true;
          log.atError()
              .addKeyValue("reason", words)
              .log("the Workload API refused the request for good; it is not retried");
          listener.failed(words, false);
        }
        case PERMISSION_DENIED -> {
          log.atWarn()
              .addKeyValue("reason", words)
              .log("this workload is entitled to nothing; what it had is withdrawn");
          listener.denied(words);
          reopen();
        }
        default -> {
          fail(words, status.getCause());
          reopen();
        }
      }
    }

    @Override
    public void onCompleted() {
      if (!isOver()) {
        reopen();
      }
    }

    private void fail(String words, @Nullable Throwable cause) {
      log.atWarn()
          .addKeyValue("reason", words)
          .setCause(cause)
          .log("nothing new from the Workload API");
      listener.failed(words, true);
    }
  }
}
