package io.meshward.runtime;

import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The status of certificates over the mesh: a call is answered with an OCSP response about the very
 * certificate that the caller proved itself with. The request is empty, so that nobody can ask
 * about others, and nothing has to be parsed.
 */
final class StatusService {
  private static final Logger log = LoggerFactory.getLogger(StatusService.class);
  private static final String NAME = "meshward.runtime.Status";
  private static final int MOST_BYTES = 64 * 1024;
  private static final long DEADLINE_SECONDS = 10;
  private static final MethodDescriptor<byte[], byte[]> OWN =
      MethodDescriptor.<byte[], byte[]>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName(MethodDescriptor.generateFullMethodName(NAME, "Own"))
          .setRequestMarshaller(new Bytes())
          .setResponseMarshaller(new Bytes())
          .setSafe(true)
          .build();

  private StatusService() {}

  /**
   * The service.
   *
   * @param sign gives the response about a caller's chain; its failures are told to nobody but the
   *     log
   */
  static ServerServiceDefinition serve(Function<List<X509Certificate>, byte[]> sign) {
    return ServerServiceDefinition.builder(NAME)
        .addMethod(
            OWN,
            (call, headers) -> {
              call.request(2);
              return new ServerCall.Listener<>() {
                @Override
                public void onHalfClose() {
                  answer(call, sign);
                }
              };
            })
        .build();
  }

  private static void answer(
      ServerCall<byte[], byte[]> call, Function<List<X509Certificate>, byte[]> sign) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    byte[] response;
    try {
      response = sign.apply(session == null ? List.of() : HandshakeFacts.peerChain(session));
    } catch (MeshRuntimeException e) {
      log.atWarn().setCause(e).log("a status cannot be signed now");
      call.close(Status.UNAVAILABLE.withDescription("no status can be signed now"), new Metadata());
      return;
    }
    call.sendHeaders(new Metadata());
    call.sendMessage(response);
    call.close(Status.OK, new Metadata());
  }

  /**
   * Asks for the status of the SVID in use, over a channel that is made for it: one that is open
   * may still be of an SVID of before.
   *
   * @throws IOException if there is no answer within ten seconds
   */
  static byte[] ask(MeshChannelBuilder responder) throws IOException {
    ManagedChannel channel = responder.build();
    try {
      return ClientCalls.blockingUnaryCall(
          channel,
          OWN,
          CallOptions.DEFAULT
              .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
              .withMaxInboundMessageSize(MOST_BYTES),
          new byte[0]);
    } catch (StatusRuntimeException e) {
      throw new IOException("the status responder gave none: " + e.getStatus(), e);
    } finally {
      channel.shutdownNow();
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
