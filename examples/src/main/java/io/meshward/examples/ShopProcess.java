package io.meshward.examples;

import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.AbstractStub;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A service of the shop at work: its identity, its channels to other services, its server. Stops at
 * SIGTERM, and, where {@code SHOP_STOP_WITH_PARENT} is {@code true}, when its standard input ends.
 */
final class ShopProcess implements AutoCloseable {
  private static final Duration CALL_DEADLINE = Duration.ofSeconds(15);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
  private static final Duration RECONNECT = Duration.ofSeconds(1);
  private static final Duration DRAIN = Duration.ofSeconds(2);
  private static final Duration LAST_REPORTS = Duration.ofSeconds(1);
  private static final int CALLS_IN_FLIGHT = 16;

  private final ShopSettings settings;
  private final MeshRuntime mesh;
  private final PrintStream out;
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final ExecutorService virtualThreads = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("reconnect").factory());
  private final SecureRandom random = new SecureRandom();
  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);
  private @Nullable Server server;

  private ShopProcess(ShopSettings settings, MeshRuntime mesh, PrintStream out) {
    this.settings = settings;
    this.mesh = mesh;
    this.out = out;
  }

  /** Starts what every service of the shop has, as its environment says. */
  static ShopProcess start(String name) {
    ShopSettings settings = ShopSettings.fromEnvironment(name, System.getenv());
    ShopProcess process = start(settings, settings.mesh(), System.out);
    Runtime.getRuntime().addShutdownHook(new Thread(process::stopAndAwaitClose));
    if (Boolean.parseBoolean(System.getenv("SHOP_STOP_WITH_PARENT"))) {
      Thread.ofPlatform().daemon().name("parent-watch").start(process::stopAtEndOfInput);
    }
    return process;
  }

  /**
   * Starts what every service of the shop has, as it is told.
   *
   * @param mesh how it takes part in the mesh
   * @param out where it tells what it does
   */
  static ShopProcess start(ShopSettings settings, MeshRuntimeBuilder mesh, PrintStream out) {
    return new ShopProcess(settings, mesh.start(), out);
  }

  /** A channel to a service of the shop: nobody but the holder of its identity is spoken to. */
  Channel channel(String service) {
    ManagedChannel channel =
        mesh.channelBuilder(
                EndpointsResolver.target(settings.endpoints().resolve(service)),
                settings.identityOf(service))
            .localAddress(settings.address())
            .defaultLoadBalancingPolicy("round_robin")
            .executor(virtualThreads)
            .intercept(
                new CallReport(settings.name(), service, Clock.systemUTC(), random, this::tell))
            .build();
    channels.add(channel);
    reconnectSoon(channel);
    return channel;
  }

  /**
   * Peers are refused for a while and welcome again at any moment. Left alone, gRPC would try again
   * later and later, after up to two minutes.
   */
  private void reconnectSoon(ManagedChannel channel) {
    var _ =
        timer.scheduleWithFixedDelay(
            () -> {
              if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
                channel.resetConnectBackoff();
              }
            },
            RECONNECT.toMillis(),
            RECONNECT.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  /** Waits until everybody whom this service calls is connected: before, it could serve nobody. */
  void connect() throws InterruptedException {
    for (ManagedChannel channel : channels) {
      boolean stopped = false;
      while (!stopped && channel.getState(true) != ConnectivityState.READY) {
        stopped = stop.await(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
  }

  /** Serves: callers are known by their SVIDs, and let in by the policy. */
  void serve(BindableService service) throws IOException {
    server =
        mesh.serverBuilder(settings.listenAddress())
            .executor(virtualThreads)
            .intercept(new Span.Interceptor())
            .addService(service)
            .build()
            .start();
    ready();
  }

  /** Tells that the service works. */
  void ready() {
    tell(new ShopLine.Ready(settings.name(), address()));
  }

  /** Where it listens, if it does. */
  @Nullable String address() {
    return server == null
        ? null
        : server.getListenSockets().stream()
            .map(InetSocketAddress.class::cast)
            .map(socket -> socket.getAddress().getHostAddress() + ":" + socket.getPort())
            .findFirst()
            .orElseThrow();
  }

  /**
   * Does something again and again until it is told to stop, and lets what has begun come to its
   * end then; skips a turn while too many last.
   */
  void repeat(Duration period, Runnable task) throws InterruptedException {
    Semaphore inFlight = new Semaphore(CALLS_IN_FLIGHT);
    while (!stop.await(period.toMillis(), TimeUnit.MILLISECONDS)) {
      if (inFlight.tryAcquire()) {
        virtualThreads.execute(
            () -> {
              try {
                task.run();
              } finally {
                inFlight.release();
              }
            });
      }
    }
    var _ = inFlight.tryAcquire(CALLS_IN_FLIGHT, DRAIN.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Waits until it is told to stop. */
  void awaitStop() throws InterruptedException {
    stop.await();
  }

  /** A stub whose calls wait for a connection, but not for ever. */
  static <S extends AbstractStub<S>> S patient(S stub) {
    return stub.withWaitForReady().withDeadlineAfter(CALL_DEADLINE);
  }

  /** Finishes what is in flight, for a while, then ends everything; no call goes unreported. */
  @Override
  public void close() {
    try {
      if (server != null) {
        server.shutdown().awaitTermination(DRAIN.toMillis(), TimeUnit.MILLISECONDS);
        server.shutdownNow();
      }
      channels.forEach(ManagedChannel::shutdownNow);
      virtualThreads.shutdown();
      virtualThreads.awaitTermination(LAST_REPORTS.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      mesh.close();
      timer.shutdownNow();
      virtualThreads.shutdownNow();
      closed.countDown();
    }
  }

  private void tell(ShopLine line) {
    out.println(line.toLine());
  }

  private void stopAndAwaitClose() {
    stop.countDown();
    try {
      closed.await(2 * DRAIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stopAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // Whoever started this says nothing: only the end counts.
      }
    } catch (IOException e) {
      // A broken pipe is an end too.
    }
    stop.countDown();
  }
}
