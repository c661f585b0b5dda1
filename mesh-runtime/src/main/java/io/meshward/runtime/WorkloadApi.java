package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.stub.MetadataUtils;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIStub;
import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * A client of the SPIFFE Workload API: one channel and one thread, whatever is asked over it, with
 * the security header on every call (SPIFFE Workload Endpoint 3). Thread-safe.
 */
final class WorkloadApi implements AutoCloseable {
  private static final Metadata.Key<String> SECURITY_HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  private final WorkloadApiEndpoint endpoint;
  private final EventLoopGroup loop;
  private final ManagedChannel channel;
  private final SpiffeWorkloadAPIStub stub;
  private volatile boolean closed;

  /**
   * Prepares a client; nothing is opened yet.
   *
   * @throws IllegalStateException if this platform has no epoll sockets
   */
  WorkloadApi(WorkloadApiEndpoint endpoint) {
    if (!Epoll.isAvailable()) {
      throw new IllegalStateException(
          "Unix sockets need Linux on x86_64 or aarch64 with native access enabled",
          Epoll.unavailabilityCause());
    }
    this.endpoint = endpoint;
    this.loop =
        new MultiThreadIoEventLoopGroup(
            1,
            new DefaultThreadFactory("meshward-workload-api", true),
            EpollIoHandler.newFactory());
    // Everything happens on the one loop: callbacks, waits and the reading of certificates.
    this.channel =
        builder(endpoint)
            .eventLoopGroup(loop)
            .directExecutor()
            .overrideAuthority("localhost")
            .usePlaintext()
            .build();
    Metadata header = new Metadata();
    header.put(SECURITY_HEADER, "true");
    this.stub =
        SpiffeWorkloadAPIGrpc.newStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(header));
  }

  private static NettyChannelBuilder builder(WorkloadApiEndpoint endpoint) {
    return switch (endpoint) {
      case WorkloadApiEndpoint.UnixSocket socket ->
          NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.path().toFile()))
              .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
              // gRPC sets it on every channel; Unix sockets do not know it and would warn.
              .withOption(ChannelOption.SO_KEEPALIVE, null);
      case WorkloadApiEndpoint.Tcp tcp ->
          NettyChannelBuilder.forAddress(tcp.address())
              .channelType(EpollSocketChannel.class, InetSocketAddress.class);
    };
  }

  /** The stub to call with, its channel ready to connect at once. */
  SpiffeWorkloadAPIStub stub() {
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      // Whoever asks has waited already: the channel must not remember a wait of its own.
      channel.enterIdle();
    }
    return stub;
  }

  /** Does something on the one thread, unless this is closed. */
  void execute(Runnable task) {
    if (!closed) {
      loop.execute(task);
    }
  }

  void executeAfter(Duration wait, Runnable task) {
    if (!closed) {
      var unused = loop.schedule(task, wait.toMillis(), MILLISECONDS);
    }
  }

  boolean isClosed() {
    return closed;
  }

  /** What an answer means, for people. */
  String words(Status status) {
    String description = status.getDescription();
    Throwable cause = status.getCause();
    return "the Workload API at "
        + endpoint
        + " answered "
        + status.getCode()
        + (description == null ? "" : ", " + description)
        + (cause == null ? "" : " (" + cause.getMessage() + ")");
  }

  @Override
  public String toString() {
    return endpoint.toString();
  }

  /** Ends all calls and frees the thread. Idempotent. */
  @Override
  public void close() {
    closed = true;
    channel.shutdownNow();
    var unused = loop.shutdownGracefully(0, 1, SECONDS);
  }
}
