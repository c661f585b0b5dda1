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
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIStub;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the X.509-SVIDs of the Workload API over one channel on a Unix socket, with one thread.
 *
 * <p>The stream is kept open and opened again after any end, OK included, with a jittered wait from
 * 0.2 to 30 seconds. {@code PermissionDenied} withdraws the identity at once and is retried; {@code
 * InvalidArgument} and {@code Unimplemented} are not (SPIFFE Workload API 6.2). A message that
 * breaks the standard is discarded and reported; the state before it stays.
 */
final class WorkloadApiSource implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(WorkloadApiSource.class);
  private static final Metadata.Key<String> SECURITY_HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  private final WorkloadApiEndpoint endpoint;
  private final SvidResponseReader reader;
  private final Backoff backoff;
  private final EventLoopGroup loop;
  private final ManagedChannel channel;
  private final SpiffeWorkloadAPIStub stub;
  private final AtomicLong opened = new AtomicLong();
  private volatile boolean closed;

  /**
   * Prepares a watch; nothing is opened before {@link #watch}.
   *
   * @throws IllegalStateException if this platform has no epoll sockets
   */
  WorkloadApiSource(
      WorkloadApiEndpoint endpoint, SvidChoice choice, Clock clock, RandomGenerator random) {
    if (!Epoll.isAvailable()) {
      throw new IllegalStateException(
          "Unix sockets need Linux on x86_64 or aarch64 with native access enabled",
          Epoll.unavailabilityCause());
    }
    this.endpoint = endpoint;
    this.reader = new SvidResponseReader(choice, clock);
    this.backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT, random);
    this.loop =
        new MultiThreadIoEventLoopGroup(
            1,
            new DefaultThreadFactory("meshward-workload-api", true),
            EpollIoHandler.newFactory());
    // Everything happens on the one loop: callbacks, waits and the reading of certificates.
    this.channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(endpoint.socket().toFile()))
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            // gRPC sets it on every channel; Unix sockets do not know it and would warn.
            .withOption(ChannelOption.SO_KEEPALIVE, null)
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

  @Override
  public void watch(Consumer<IdentityUpdate> listener) {
    loop.execute(() -> open(listener));
  }

  @Override
  public long opened() {
    return opened.get();
  }

  private void open(Consumer<IdentityUpdate> listener) {
    if (closed) {
      return;
    }
    opened.incrementAndGet();
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      // Ours is the only wait: the channel must not remember its own.
      channel.enterIdle();
    }
    stub.fetchX509SVID(X509SVIDRequest.getDefaultInstance(), new Stream(listener));
  }

  private void reopen(Consumer<IdentityUpdate> listener) {
    if (!closed) {
      var unused = loop.schedule(() -> open(listener), backoff.next().toMillis(), MILLISECONDS);
    }
  }

  @Override
  public void close() {
    closed = true;
    channel.shutdownNow();
    var unused = loop.shutdownGracefully(0, 1, SECONDS);
  }

  /** One opened stream. */
  private final class Stream implements ClientResponseObserver<X509SVIDRequest, X509SVIDResponse> {
    private final Consumer<IdentityUpdate> listener;

    Stream(Consumer<IdentityUpdate> listener) {
      this.listener = listener;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<X509SVIDRequest> request) {}

    @Override
    public void onNext(X509SVIDResponse response) {
      try {
        listener.accept(reader.read(response));
        backoff.reset();
      } catch (SvidResponseReader.BadResponseException e) {
        fail("discarded a message of the Workload API: " + e.getMessage(), null);
      }
    }

    @Override
    public void onError(Throwable failure) {
      if (closed) {
        return;
      }
      Status status = Status.fromThrowable(failure);
      String words = words(status);
      switch (status.getCode()) {
        case INVALID_ARGUMENT, UNIMPLEMENTED -> {
          log.atError()
              .addKeyValue("reason", words)
              .log("the Workload API refused the request for good; it is not retried");
          listener.accept(new IdentityUpdate.Failed(words, false));
        }
        case PERMISSION_DENIED -> {
          log.atWarn().addKeyValue("reason", words).log("this workload's identity is withdrawn");
          listener.accept(new IdentityUpdate.Withdrawn(words));
          reopen(listener);
        }
        default -> {
          fail(words, status.getCause());
          reopen(listener);
        }
      }
    }

    @Override
    public void onCompleted() {
      reopen(listener);
    }

    private void fail(String words, @Nullable Throwable cause) {
      log.atWarn()
          .addKeyValue("reason", words)
          .setCause(cause)
          .log("nothing new from the Workload API");
      listener.accept(new IdentityUpdate.Failed(words, true));
    }

    private String words(Status status) {
      String description = status.getDescription();
      Throwable cause = status.getCause();
      return "the Workload API at "
          + endpoint
          + " answered "
          + status.getCode()
          + (description == null ? "" : ", " + description)
          + (cause == null ? "" : " (" + cause.getMessage() + ")");
    }
  }
}
