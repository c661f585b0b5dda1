package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;

/** A service that says who called it. */
final class Echo {
  static final MethodDescriptor<String, String> WHO = method("Who", MethodType.UNARY);
  static final MethodDescriptor<String, String> CHAT = method("Chat", MethodType.BIDI_STREAMING);
  static final MethodDescriptor<String, String> MISSING = method("Missing", MethodType.UNARY);
  static final MethodDescriptor<String, String> OTHER_SERVICE =
      method("meshward.test.Other", "Who", MethodType.UNARY);

  private Echo() {}

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return method("meshward.test.Echo", name, type);
  }

  private static MethodDescriptor<String, String> method(
      String service, String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName(service + "/" + name)
        .setRequestMarshaller(new Text())
        .setResponseMarshaller(new Text())
        .build();
  }

  static ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("meshward.test.Echo")
        .addMethod(WHO, ServerCalls.asyncUnaryCall(Echo::who))
        .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(Echo::chat))
        .build();
  }

  private static void who(String request, StreamObserver<String> response) {
    response.onNext(PeerIdentity.current().id() + " said " + request);
    response.onCompleted();
  }

  private static StreamObserver<String> chat(StreamObserver<String> response) {
    return new StreamObserver<>() {
      @Override
      public void onNext(String request) {
        response.onNext(PeerIdentity.current().id() + " said " + request);
      }

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {
        response.onCompleted();
      }
    };
  }

  static String call(Channel channel, String text) {
    return call(channel, WHO, text);
  }

  static String call(Channel channel, MethodDescriptor<String, String> method, String text) {
    return ClientCalls.blockingUnaryCall(
        channel, method, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), text);
  }

  private static final class Text implements MethodDescriptor.Marshaller<String> {
    @Override
    public InputStream stream(String value) {
      return new ByteArrayInputStream(value.getBytes(UTF_8));
    }

    @Override
    public String parse(InputStream stream) {
      try {
        return new String(stream.readAllBytes(), UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
