package io.meshward.testkit;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.ScheduledFuture;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.spiffe.workloadapi.grpc.Workload.JWTBundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.JWTSVID;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDResponse;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The SPIFFE Workload API of one workload on a Unix socket, as a SPIRE agent serves it: the full
 * state at once and after each change, PermissionDenied if the workload is entitled to nothing,
 * InvalidArgument without the security header. Around it, what a test does to a workload: rotation,
 * redaction, errors, silence, closed streams, messages that are wrong, an agent that goes away.
 *
 * <p>All of a process share one event loop thread; many can be started. Safe for use by several
 * threads.
 */
public final class TestWorkloadApi implements AutoCloseable {

  private static final Status NO_IDENTITY =
      Status.PERMISSION_DENIED.withDescription("no identity issued");
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration ROTATION_CHECK = Duration.ofSeconds(1);
  private static final int MAX_MESSAGE_BYTES = 64 * 1024;
  private static final int MAX_CALLS_PER_CONNECTION = 100;

  private final Path socket;
  private final TestTrustDomain trustDomain;
  private final SecurityHeaderInterceptor securityHeader = new SecurityHeaderInterceptor();
  private final WorkloadApiService service = new WorkloadApiService(new JwtAnswers());
  private final Runnable onTrustDomainChange = this::publish;
  private List<Served> served = List.of();
  private Mode mode = new Serving();
  private boolean rotatesAtHalfLife;

  /** Guards the server; never held by the event loop, which the server's end waits for. */
  private final Object lifecycle = new Object();

  private @Nullable Server server;
  private @Nullable ScheduledFuture<?> rotation;

  /** An entry with the X.509-SVID that stands for it now. */
  private record Served(WorkloadEntry entry, IssuedSvid svid, Instant issued) {

    boolean isPastHalfLife(Instant now) {
      return !now.isBefore(issued.plus(entry.options().timeToLive().dividedBy(2)));
    }
  }

  private sealed interface Mode {}

  private record Serving() implements Mode {}

  private record Failing(Status status) implements Mode {}

  private record Silent() implements Mode {}

  private TestWorkloadApi(Path socket, TestTrustDomain trustDomain) {
    this.socket = socket;
    this.trustDomain = trustDomain;
  }

  /**
   * Starts the Workload API of a workload.
   *
   * @param socket where; a socket that a dead process left there is replaced
   * @param entries what the workload is entitled to, the default first; none at first is fine
   * @throws IllegalArgumentException if the path is longer than 107 bytes or has no directory
   * @throws IllegalStateException if there is no epoll, or a server at this path already
   */
  public static TestWorkloadApi start(
      Path socket, TestTrustDomain trustDomain, WorkloadEntry... entries) {
    var api = new TestWorkloadApi(UnixSocket.claim(socket), trustDomain);
    api.serve(entries);
    api.restart();
    return api;
  }

  /** {@code unix:} and the path of the socket: what goes into {@code SPIFFE_ENDPOINT_SOCKET}. */
  public String address() {
    return "unix:" + socket;
  }

  public Path socket() {
    return socket;
  }

  public TestTrustDomain trustDomain() {
    return trustDomain;
  }

  /** Entitles the workload to these and no others, with new SVIDs, and says so on the streams. */
  public synchronized void serve(WorkloadEntry... entries) {
    served = List.of(entries).stream().map(this::issue).toList();
    mode = new Serving();
    publish();
  }

  /** The X.509-SVIDs that are served now, the default first. */
  public synchronized List<IssuedSvid> svids() {
    return served.stream().map(Served::svid).toList();
  }

  /** Issues all X.509-SVIDs anew, with new keys, and pushes them. */
  public synchronized List<IssuedSvid> rotate() {
    served = served.stream().map(Served::entry).map(this::issue).toList();
    publish();
    return svids();
  }

  /** From now on X.509-SVIDs rotate by themselves once half of their time is over. */
  public synchronized void rotateAtHalfLife() {
    rotatesAtHalfLife = true;
  }

  /** Takes all identities away: streams end, and calls are refused, with PermissionDenied. */
  public void redact() {
    failWith(NO_IDENTITY);
  }

  /** Ends all streams and refuses all calls with this status, until {@link #resume()}. */
  public synchronized void failWith(Status status) {
    if (status.isOk()) {
      throw new IllegalArgumentException("an error expected, was " + status);
    }
    mode = new Failing(status);
    publish();
  }

  /** Takes calls and says nothing, until {@link #resume()}; open streams stay. */
  public synchronized void fallSilent() {
    mode = new Silent();
    publish();
  }

  /** Serves again after {@link #redact()}, {@link #failWith} or {@link #fallSilent()}. */
  public synchronized void resume() {
    mode = new Serving();
    publish();
  }

  /** Ends all streams with OK; new ones are served. */
  public void closeStreams() {
    service.endStreams();
  }

  /** Pushes this message, and gives it to new streams, until the next change. */
  public void sendRaw(X509SVIDResponse message) {
    service.x509Svids.set(message);
  }

  /** Pushes this message, and gives it to new streams, until the next change. */
  public void sendRaw(X509BundlesResponse message) {
    service.x509Bundles.set(message);
  }

  /** Pushes this message, and gives it to new streams, until the next change. */
  public void sendRaw(JWTBundlesResponse message) {
    service.jwtBundles.set(message);
  }

  /** The message that {@link #svids()} make, to be changed and sent by {@code sendRaw}. */
  public synchronized X509SVIDResponse x509SvidMessage() {
    var message = X509SVIDResponse.newBuilder();
    ByteString bundle = ByteString.copyFrom(trustDomain.x509Bundle());
    for (Served one : served) {
      message.addSvids(
          X509SVID
              .newBuilder()
              .setSpiffeId(one.entry.id().toString())
              .setX509Svid(ByteString.copyFrom(one.svid.derChain()))
              .setX509SvidKey(ByteString.copyFrom(one.svid.privateKey().getEncoded()))
              .setBundle(bundle)
              .setHint(one.entry.hint()));
    }
    trustDomain
        .federated()
        .forEach(
            other ->
                message.putFederatedBundles(idOf(other), ByteString.copyFrom(other.x509Bundle())));
    return message.build();
  }

  /** How often it was called. */
  public ApiCalls calls() {
    return new ApiCalls(
        service.x509Svids.opened(),
        service.x509Bundles.opened(),
        service.jwtBundles.opened(),
        service.jwtSvidCalls.get(),
        service.validateCalls.get(),
        securityHeader.refused());
  }

  /** How many streams are open now. */
  public int openStreams() {
    return service.openStreams();
  }

  /** Goes away, as a SPIRE agent that is stopped: connections break, the socket is gone. */
  public void stop() {
    synchronized (lifecycle) {
      Server running = server;
      if (running == null) {
        return;
      }
      server = null;
      trustDomain.stopListening(onTrustDomainChange);
      if (rotation != null) {
        rotation.cancel(false);
        rotation = null;
      }
      try {
        running.shutdownNow().awaitTermination(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        SharedEventLoop.release();
        UnixSocket.delete(socket);
      }
    }
  }

  /** Comes back on the same socket with the same SVIDs, after a {@link #stop()} if it runs. */
  public void restart() {
    synchronized (lifecycle) {
      stop();
      UnixSocket.claim(socket);
      EventLoopGroup eventLoop = SharedEventLoop.acquire();
      try {
        server = startServer(eventLoop);
      } catch (IOException e) {
        SharedEventLoop.release();
        throw new IllegalStateException("no Workload API at " + socket, e);
      }
      rotation =
          eventLoop.scheduleAtFixedRate(
              this::rotateIfDue,
              ROTATION_CHECK.toMillis(),
              ROTATION_CHECK.toMillis(),
              TimeUnit.MILLISECONDS);
      trustDomain.listen(onTrustDomainChange);
      publish();
    }
  }

  private Server startServer(EventLoopGroup eventLoop) throws IOException {
    return NettyServerBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
        .channelType(EpollServerDomainSocketChannel.class)
        .bossEventLoopGroup(eventLoop)
        .workerEventLoopGroup(eventLoop)
        // Set for every connection; a Unix socket does not know it and warns.
        .withChildOption(ChannelOption.SO_KEEPALIVE, null)
        .directExecutor()
        .maxInboundMessageSize(MAX_MESSAGE_BYTES)
        .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
        .addService(ServerInterceptors.intercept(service, securityHeader))
        .build()
        .start();
  }

  /** Goes away for good. Idempotent. */
  @Override
  public void close() {
    stop();
  }

  private Served issue(WorkloadEntry entry) {
    return new Served(
        entry, trustDomain.issue(entry.id(), entry.options()), trustDomain.clock().instant());
  }

  private synchronized void rotateIfDue() {
    Instant now = trustDomain.clock().instant();
    if (rotatesAtHalfLife && served.stream().anyMatch(one -> one.isPastHalfLife(now))) {
      served =
          served.stream().map(one -> one.isPastHalfLife(now) ? issue(one.entry) : one).toList();
      publish();
    }
  }

  private synchronized void publish() {
    if (mode instanceof Failing failing) {
      service.failStreams(failing.status);
    } else if (mode instanceof Silent) {
      service.holdStreams();
    } else if (served.isEmpty()) {
      service.failStreams(NO_IDENTITY);
    } else {
      service.x509Svids.set(x509SvidMessage());
      var x509 = X509BundlesResponse.newBuilder();
      var jwt = JWTBundlesResponse.newBuilder();
      for (TestTrustDomain one : trustDomains().values()) {
        x509.putBundles(idOf(one), ByteString.copyFrom(one.x509Bundle()));
        jwt.putBundles(idOf(one), ByteString.copyFromUtf8(one.jwtBundle()));
      }
      service.x509Bundles.set(x509.build());
      service.jwtBundles.set(jwt.build());
    }
  }

  /** The trust domains whose bundles the workload gets. */
  private Map<TrustDomain, TestTrustDomain> trustDomains() {
    var all = new LinkedHashMap<TrustDomain, TestTrustDomain>();
    all.put(trustDomain.name(), trustDomain);
    trustDomain.federated().forEach(other -> all.put(other.name(), other));
    return all;
  }

  private static String idOf(TestTrustDomain trustDomain) {
    return "spiffe://" + trustDomain.name();
  }

  private final class JwtAnswers implements WorkloadApiService.JwtAnswers {

    @Override
    public Optional<JWTSVIDResponse> fetch(JWTSVIDRequest request) throws StatusException {
      synchronized (TestWorkloadApi.this) {
        if (mode instanceof Silent) {
          return Optional.empty();
        }
        checkServing();
        if (request.getAudienceList().isEmpty()) {
          throw invalid("audience must be specified");
        }
        List<WorkloadEntry> entries = entriesFor(request.getSpiffeId());
        if (entries.isEmpty()) {
          throw NO_IDENTITY.asException();
        }
        var response = JWTSVIDResponse.newBuilder();
        for (WorkloadEntry entry : entries) {
          response.addSvids(
              JWTSVID
                  .newBuilder()
                  .setSpiffeId(entry.id().toString())
                  .setSvid(
                      trustDomain.issueJwt(
                          entry.id(),
                          new HashSet<>(request.getAudienceList()),
                          entry.jwtTimeToLive()))
                  .setHint(entry.hint()));
        }
        return Optional.of(response.build());
      }
    }

    @Override
    public Optional<JwtSvidValidator.Valid> validate(ValidateJWTSVIDRequest request)
        throws StatusException {
      synchronized (TestWorkloadApi.this) {
        if (mode instanceof Silent) {
          return Optional.empty();
        }
        checkServing();
        if (request.getAudience().isEmpty()) {
          throw invalid("audience must be specified");
        }
        if (request.getSvid().isEmpty()) {
          throw invalid("svid must be specified");
        }
        try {
          var validator = new JwtSvidValidator(trustDomains(), trustDomain.clock().instant());
          return Optional.of(validator.validate(request.getSvid(), request.getAudience()));
        } catch (JwtSvidValidator.InvalidException e) {
          throw invalid(e.getMessage());
        }
      }
    }

    private List<WorkloadEntry> entriesFor(String requested) throws StatusException {
      List<WorkloadEntry> all = served.stream().map(Served::entry).toList();
      if (requested.isEmpty()) {
        return all;
      }
      try {
        SpiffeId id = SpiffeId.parse(requested);
        return all.stream().filter(entry -> entry.id().equals(id)).toList();
      } catch (InvalidSpiffeIdException e) {
        throw invalid("invalid requested SPIFFE ID: " + e.getMessage());
      }
    }

    private void checkServing() throws StatusException {
      if (mode instanceof Failing failing) {
        throw failing.status.asException();
      }
      if (served.isEmpty()) {
        throw NO_IDENTITY.asException();
      }
    }

    private static StatusException invalid(@Nullable String reason) {
      return Status.INVALID_ARGUMENT.withDescription(reason).asException();
    }
  }
}
