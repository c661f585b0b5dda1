package io.meshward.spring;

import com.google.protobuf.StringValue;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.meshward.runtime.PeerIdentity;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A service of texts that answers with what it was told and by whom, at once or when it may. */
final class Echo implements BindableService {
  static final String WAIT = "wait";
  private static final MethodDescriptor.Marshaller<StringValue> TEXT =
      ProtoUtils.marshaller(StringValue.getDefaultInstance());
  private static final MethodDescriptor<StringValue, StringValue> SAY =
      MethodDescriptor.<StringValue, StringValue>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName("test.Echo/Say")
          .setRequestMarshaller(TEXT)
          .setResponseMarshaller(TEXT)
          .build();

  /** Down once a call waits. */
  final CountDownLatch waiting = new CountDownLatch(1);

  /** Lets that call end. */
  final CountDownLatch released = new CountDownLatch(1);

  @Override
  public ServerServiceDefinition bindService() {
    return ServerServiceDefinition.builder("test.Echo")
        .addMethod(
            SAY,
            ServerCalls.asyncUnaryCall(
                (request, reply) -> {
                  if (request.getValue().equals(WAIT)) {
                    waiting.countDown();
                    await(released);
                  }
                  reply.onNext(
                      StringValue.of(request.getValue() + ", " + PeerIdentity.current().id()));
                  reply.onCompleted();
                }))
        .build();
  }

  static String call(Channel channel, String text) {
    return ClientCalls.blockingUnaryCall(
            channel,
            SAY,
            CallOptions.DEFAULT.withDeadlineAfter(1, TimeUnit.MINUTES),
            StringValue.of(text))
        .getValue();
  }

  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("waited for a minute");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
