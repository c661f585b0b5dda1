package io.meshward.examples;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where a service listens, from a file that whoever runs the shop keeps: {@code
 * endpoints:///orders} is what the file {@code orders} lists, one {@code ip:port} a line. It stands
 * for the DNS name of a headless Service.
 *
 * <p>Where a peer listens is a mere hint: who it is, TLS tells.
 */
final class EndpointsResolver extends NameResolver {
  private static final String SCHEME = "endpoints";
  private static final long POLL_MILLIS = 100;

  private final Path file;
  private final ScheduledExecutorService timer;
  private @Nullable Listener2 listener;
  private @Nullable ScheduledFuture<?> polling;
  private @Nullable List<String> last;

  EndpointsResolver(Path file, ScheduledExecutorService timer) {
    this.file = file;
    this.timer = timer;
  }

  @Override
  public String getServiceAuthority() {
    return file.getFileName().toString();
  }

  @Override
  public synchronized void start(Listener2 newListener) {
    listener = newListener;
    polling = timer.scheduleWithFixedDelay(this::poll, 0, POLL_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public synchronized void refresh() {
    last = null;
  }

  @Override
  public synchronized void shutdown() {
    listener = null;
    if (polling != null) {
      polling.cancel(false);
    }
  }

  private synchronized void poll() {
    List<String> now = read();
    if (listener != null && !now.equals(last)) {
      last = now;
      publish(listener, now);
    }
  }

  private void publish(Listener2 listener, List<String> endpoints) {
    if (endpoints.isEmpty()) {
      listener.onError(
          Status.UNAVAILABLE.withDescription("nobody is " + getServiceAuthority() + " now"));
      return;
    }
    List<EquivalentAddressGroup> groups =
        endpoints.stream()
            .map(endpoint -> new EquivalentAddressGroup(List.of(address(endpoint))))
            .toList();
    listener.onResult(
        ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
  }

  private static SocketAddress address(String endpoint) {
    int colon = endpoint.lastIndexOf(':');
    return new InetSocketAddress(
        endpoint.substring(0, colon), Integer.parseInt(endpoint.substring(colon + 1)));
  }

  private List<String> read() {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      return List.of();
    }
  }

  /** The target that stands for a file of endpoints. */
  static String target(Path file) {
    return SCHEME + "://" + file.toUri().getRawPath();
  }

  /** Finds these resolvers by their scheme; gRPC finds it among its services. */
  public static final class Provider extends NameResolverProvider {
    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      // Below DNS, so that a target without a scheme is a host's name here too.
      return 4;
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return Set.of(InetSocketAddress.class);
    }

    @Override
    public @Nullable NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return SCHEME.equals(target.getScheme())
          ? new EndpointsResolver(Path.of(target.getPath()), args.getScheduledExecutorService())
          : null;
    }
  }
}
