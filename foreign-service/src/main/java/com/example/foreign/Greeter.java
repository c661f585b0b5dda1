package com.example.foreign;

import com.google.protobuf.StringValue;
import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshward.runtime.PeerIdentity;
import org.springframework.stereotype.Service;

/** Greets its caller by the identity that TLS proved. */
@Service
public class Greeter implements BindableService {
  public static final MethodDescriptor<StringValue, StringValue> GREET = method("Greet");
  public static final MethodDescriptor<StringValue, StringValue> INSULT = method("Insult");

  private static MethodDescriptor<StringValue, StringValue> method(String name) {
    return MethodDescriptor.<StringValue, StringValue>newBuilder()
        .setType(MethodType.UNARY)
        .setFullMethodName("example.Greeter/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .build();
  }

  @Override
  public ServerServiceDefinition bindService() {
    return ServerServiceDefinition.builder("example.Greeter")
        .addMethod(GREET, ServerCalls.asyncUnaryCall(Greeter::answer))
        .addMethod(INSULT, ServerCalls.asyncUnaryCall(Greeter::answer))
        .build();
  }

  private static void answer(StringValue request, StreamObserver<StringValue> reply) {
    reply.onNext(StringValue.of(request.getValue() + ", " + PeerIdentity.current().id()));
    reply.onCompleted();
  }
}
