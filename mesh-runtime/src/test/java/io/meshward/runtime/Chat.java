package io.meshward.runtime;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A call that stays open. */
final class Chat implements StreamObserver<String> {
  private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
  private final StreamObserver<String> mouth;

  private Chat(ManagedChannel channel) {
    mouth =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Echo.CHAT, CallOptions.DEFAULT), this);
  }

  static Chat open(ManagedChannel channel) {
    return new Chat(channel);
  }

  String say(String text) {
    mouth.onNext(text);
    return (String) next();
  }

  Status.Code end() {
    return (Status.Code) next();
  }

  private Object next() {
    try {
      Object next = heard.poll(60, TimeUnit.SECONDS);
      if (next == null) {
        throw new AssertionError("nothing within 60 s");
      }
      return next;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void onNext(String text) {
    heard.add(text);
  }

  @Override
  public void onError(Throwable failure) {
    heard.add(Status.fromThrowable(failure).getCode());
  }

  @Override
  public void onCompleted() {
    heard.add(Status.Code.OK);
  }
}
