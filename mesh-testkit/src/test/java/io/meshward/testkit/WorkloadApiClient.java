package io.meshward.testkit;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIBlockingStub;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIStub;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesRequest;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A plain client of a Workload API, over the generated stubs. */
final class WorkloadApiClient implements AutoCloseable {

  private static final int TIMEOUT_SECONDS = 60;
  private static final int FLOW_CONTROL_WINDOW_BYTES = 65_535;

  private final EventLoopGroup eventLoop =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final ManagedChannel channel;
  private final Metadata headers = new Metadata();

  private WorkloadApiClient(Path socket, String... securityHeader) {
    channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
            .channelType(EpollDomainSocketChannel.class)
            .eventLoopGroup(eventLoop)
            // Set for every channel; a Unix socket does not know it and warns.
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
            .usePlaintext()
            .build();
    for (String value : securityHeader) {
      headers.put(Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER), value);
    }
  }

  static WorkloadApiClient of(TestWorkloadApi api) {
    return of(api.socket());
  }

  static WorkloadApiClient of(Path socket) {
    return withSecurityHeader(socket, "true");
  }

  static WorkloadApiClient withSecurityHeader(Path socket, String... values) {
    return new WorkloadApiClient(socket, values);
  }

  SpiffeWorkloadAPIBlockingStub blocking() {
    return SpiffeWorkloadAPIGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS);
  }

  Stream<X509SVIDResponse> x509Svids() {
    var stream = new Stream<X509SVIDResponse>();
    async().fetchX509SVID(X509SVIDRequest.getDefaultInstance(), stream);
    return stream;
  }

  /** A stream whose messages stay in the transport until they are asked for. */
  UnreadStream x509SvidsUnread() {
    var stream = new UnreadStream();
    async().fetchX509SVID(X509SVIDRequest.getDefaultInstance(), stream);
    return stream;
  }

  Stream<X509BundlesResponse> x509Bundles() {
    var stream = new Stream<X509BundlesResponse>();
    async().fetchX509Bundles(X509BundlesRequest.getDefaultInstance(), stream);
    return stream;
  }

  Stream<JWTBundlesResponse> jwtBundles() {
    var stream = new Stream<JWTBundlesResponse>();
    async().fetchJWTBundles(JWTBundlesRequest.getDefaultInstance(), stream);
    return stream;
  }

  private SpiffeWorkloadAPIStub async() {
    return SpiffeWorkloadAPIGrpc.newStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  @Override
  public void close() {
    channel.shutdownNow();
    eventLoop
        .shutdownGracefully(0, TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .awaitUninterruptibly(TimeUnit.SECONDS.toMillis(TIMEOUT_SECONDS));
  }

  /** A stream that is read only on demand. */
  static final class UnreadStream
      implements ClientResponseObserver<X509SVIDRequest, X509SVIDResponse>, AutoCloseable {

    private final Stream<X509SVIDResponse> received = new Stream<>();
    private @Nullable ClientCallStreamObserver<X509SVIDRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<X509SVIDRequest> requests) {
      requests.disableAutoRequestWithInitial(0);
      call = requests;
    }

    List<X509SVIDResponse> readUntil(X509SVIDResponse last) throws InterruptedException {
      var all = new ArrayList<X509SVIDResponse>();
      do {
        Objects.requireNonNull(call).request(1);
        all.add(received.next());
      } while (!all.get(all.size() - 1).equals(last));
      return all;
    }

    @Override
    public void onNext(X509SVIDResponse message) {
      received.onNext(message);
    }

    @Override
    public void onError(Throwable error) {
      received.onError(error);
    }

    @Override
    public void onCompleted() {
      received.onCompleted();
    }

    @Override
    public void close() {
      Objects.requireNonNull(call).cancel("done", null);
    }
  }

  /** What a stream brought, in order: messages, then its end. */
  static final class Stream<M> implements StreamObserver<M> {

    private final BlockingQueue<Object> received = new LinkedBlockingQueue<>();

    @Override
    public void onNext(M message) {
      received.add(message);
    }

    @Override
    public void onError(Throwable error) {
      received.add(Status.fromThrowable(error));
    }

    @Override
    public void onCompleted() {
      received.add(Status.OK);
    }

    /** The next message, awaited. */
    @SuppressWarnings("unchecked") // Only messages and statuses are added.
    M next() throws InterruptedException {
      Object next = take();
      if (next instanceof Status status) {
        throw new StatusRuntimeException(status);
      }
      return (M) next;
    }

    /** How the stream ended, awaited. */
    Status end() throws InterruptedException {
      Object next = take();
      if (next instanceof Status status) {
        return status;
      }
      throw new AssertionError("the end of the stream expected, received " + next);
    }

    /** Whether all that arrived has been taken. */
    boolean isQuiet() {
      return received.isEmpty();
    }

    private Object take() throws InterruptedException {
      Object next = received.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      if (next == null) {
        throw new AssertionError("nothing arrived within " + TIMEOUT_SECONDS + " s");
      }
      return next;
    }
  }
}
