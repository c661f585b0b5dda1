package io.meshward.runtime;

import io.grpc.ServerCall;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a call's listener while it is decided whether there will be one: what happens to the
 * call meanwhile waits, in order. No message can, since none has been asked for. Callbacks run one
 * at a time and nobody waits for another's.
 */
final class DeferredCall<Q> extends ServerCall.Listener<Q> {
  private final Queue<Consumer<ServerCall.Listener<Q>>> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger work = new AtomicInteger();
  private volatile ServerCall.@Nullable Listener<Q> listener;

  /** Hands over to the listener of the call, which has begun. Called at most once. */
  void open(ServerCall.Listener<Q> opened) {
    listener = opened;
    drain();
  }

  private void later(Consumer<ServerCall.Listener<Q>> callback) {
    waiting.add(callback);
    drain();
  }

  private void drain() {
    ServerCall.Listener<Q> target = listener;
    if (target == null || work.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    do {
      Consumer<ServerCall.Listener<Q>> next = waiting.poll();
      while (next != null) {
        // If it throws, gRPC ends the call: `work` stays, and nothing else runs.
        next.accept(target);
        next = waiting.poll();
      }
      seen = work.addAndGet(-seen);
    } while (seen != 0);
  }

  @Override
  public void onMessage(Q message) {
    later(to -> to.onMessage(message));
  }

  @Override
  public void onHalfClose() {
    later(ServerCall.Listener::onHalfClose);
  }

  @Override
  public void onCancel() {
    later(ServerCall.Listener::onCancel);
  }

  @Override
  public void onComplete() {
    later(ServerCall.Listener::onComplete);
  }

  @Override
  public void onReady() {
    later(ServerCall.Listener::onReady);
  }
}
