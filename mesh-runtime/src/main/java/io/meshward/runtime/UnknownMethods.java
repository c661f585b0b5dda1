package io.meshward.runtime;

import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers for methods that no service has, so that a call to one passes the same checks, shows in
 * the same events, and only a caller that is allowed learns that the method does not exist.
 */
final class UnknownMethods extends HandlerRegistry {
  /** Marks the descriptors made here. */
  private static final Object UNKNOWN = new Object();

  private final @Nullable HandlerRegistry serviceOwned;

  /**
   * @param serviceOwned asked first: a registry that the service itself set
   */
  UnknownMethods(@Nullable HandlerRegistry serviceOwned) {
    this.serviceOwned = serviceOwned;
  }

  static boolean isKnown(MethodDescriptor<?, ?> method) {
    return method.getSchemaDescriptor() != UNKNOWN;
  }

  @Override
  public List<ServerServiceDefinition> getServices() {
    return serviceOwned == null ? List.of() : serviceOwned.getServices();
  }

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String methodName, @Nullable String authority) {
    if (serviceOwned != null) {
      ServerMethodDefinition<?, ?> owned = serviceOwned.lookupMethod(methodName, authority);
      if (owned != null) {
        return owned;
      }
    }
    MethodDescriptor<byte[], byte[]> method =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodType.UNKNOWN)
            .setFullMethodName(methodName)
            .setRequestMarshaller(Nothing.MARSHALLER)
            .setResponseMarshaller(Nothing.MARSHALLER)
            .setSchemaDescriptor(UNKNOWN)
            .build();
    return ServerMethodDefinition.create(method, UnknownMethods::refuse);
  }

  private static ServerCall.Listener<byte[]> refuse(
      ServerCall<byte[], byte[]> call, Metadata headers) {
    call.close(Status.UNIMPLEMENTED.withDescription("method not found"), new Metadata());
    return new ServerCall.Listener<>() {};
  }

  /** Messages of such a method are never read. */
  private enum Nothing implements MethodDescriptor.Marshaller<byte[]> {
    MARSHALLER;

    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      return new byte[0];
    }
  }
}
