package io.meshward.runtime;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/** A call that ends before it begins. */
final class RefusedCall<Q, R> extends ClientCall<Q, R> {
  private final Status refusal;

  RefusedCall(Status refusal) {
    this.refusal = refusal;
  }

  @Override
  public void start(Listener<R> listener, Metadata headers) {
    listener.onClose(refusal, new Metadata());
  }

  @Override
  public void request(int messages) {}

  @Override
  public void cancel(@Nullable String message, @Nullable Throwable cause) {}

  @Override
  public void halfClose() {}

  @Override
  public void sendMessage(Q message) {}
}
