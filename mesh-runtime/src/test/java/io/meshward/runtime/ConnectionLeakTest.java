package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.grpc.netty.shaded.io.netty.util.concurrent.EventExecutor;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Connections that are opened and cut leave nothing behind: no thread, no descriptor, no tracked
 * connection, no timer. 10,000 of them, or as many as {@code -Dmeshward.leak.connections} says.
 */
class ConnectionLeakTest {
  private static final int CONNECTIONS = Integer.getInteger("meshward.leak.connections", 10_000);
  private static final int BATCH = 500;

  /** How many of a batch are channels of a runtime, and how many sockets of {@code mesh.tls()}. */
  private static final int CHANNELS = 25;

  private static final int SOCKETS = 25;

  /** What a process may have too much of. */
  private record Resources(Set<String> threads, Set<String> sockets, int connections, int timers) {}

  @Test
  void connectionsThatAreOpenedAndCutLeaveNothing() throws Exception {
    try (Shop shop = new Shop();
        Crowd thieves = new Crowd(shop.mesh.trustDomain().issue(shop.frontend));
        ServerSocket listening = new ServerSocket(0, SOCKETS, InetAddress.getLoopbackAddress());
        ExecutorService peers = Executors.newVirtualThreadPerTaskExecutor()) {
      MeshRuntime orders = shop.ordersRuntime(builder -> builder.events(new NoEvents()));
      MeshRuntime frontend = shop.frontendRuntime(builder -> builder.events(new NoEvents()));
      Server server = shop.serve(orders);
      SSLContext thief = Attacker.context(shop.mesh.trustDomain().issue(shop.frontend));
      Runnable batch =
          () -> openAndCut(shop, orders, frontend, server, thieves, listening, thief, peers);
      // What is made once and kept is there after two.
      batch.run();
      batch.run();
      Resources before = settled(orders, frontend);

      for (int done = 0; done < CONNECTIONS; done += BATCH) {
        batch.run();
      }

      Eventually.await(
          () -> {
            Resources now = resources(orders, frontend);
            return "as before, %s, but was %s: %s".formatted(before, now, explain(before, now));
          },
          Duration.ofSeconds(30),
          () -> isNoMoreThan(before, resources(orders, frontend)));
    }
  }

  private static void openAndCut(
      Shop shop,
      MeshRuntime orders,
      MeshRuntime frontend,
      Server server,
      Crowd thieves,
      ServerSocket listening,
      SSLContext thief,
      ExecutorService peers) {
    try {
      List<ManagedChannel> channels = new ArrayList<>();
      for (int i = 0; i < CHANNELS; i++) {
        channels.add(frontend.channelBuilder(Shop.target(server), shop.orders).build());
      }
      List<Future<SSLSocket>> dialled = new ArrayList<>();
      List<Future<SSLSocket>> accepted = new ArrayList<>();
      for (int i = 0; i < SOCKETS; i++) {
        dialled.add(peers.submit(() -> dial(thief, listening)));
        accepted.add(peers.submit(() -> accept(orders, listening)));
      }
      List<CompletableFuture<Channel>> connections = new ArrayList<>();
      for (int i = CHANNELS + SOCKETS; i < BATCH; i++) {
        connections.add(thieves.connect(server.getPort()));
      }
      Eventually.await(
          "ready",
          () ->
              channels.stream()
                  .allMatch(channel -> channel.getState(true) == ConnectivityState.READY));
      for (Future<SSLSocket> each : dialled) {
        assertThat(each.get().isClosed()).isFalse();
      }
      for (Future<SSLSocket> each : accepted) {
        assertThat(each.get().isClosed()).isFalse();
      }
      for (CompletableFuture<Channel> each : connections) {
        assertThat(each.get().isActive()).isTrue();
      }
      Eventually.await("all there", () -> orders.status().connections() == BATCH);

      QuarantineKey hold = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

      // Nobody who was cut comes back before the hold is released.
      channels.forEach(ManagedChannel::shutdownNow);
      Eventually.await("all cut", () -> orders.status().connections() == 0);
      Eventually.await("nothing dialled", () -> frontend.status().connections() == 0);
      for (CompletableFuture<Channel> each : connections) {
        assertThat(each.get().closeFuture().await(10, TimeUnit.SECONDS)).isTrue();
      }
      shop.serverHolds.release(hold);
      for (Future<SSLSocket> each : dialled) {
        each.get().close();
      }
      for (Future<SSLSocket> each : accepted) {
        assertThat(each.get().isClosed()).isTrue();
        each.get().close();
      }
    } catch (IOException | InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  private static SSLSocket dial(SSLContext thief, ServerSocket listening) throws IOException {
    SSLSocket socket = Attacker.socket(thief, listening.getLocalPort(), "TLSv1.3");
    socket.startHandshake();
    return socket;
  }

  private static SSLSocket accept(MeshRuntime orders, ServerSocket listening) throws IOException {
    SSLSocket accepted = orders.tls().serverSocket(listening.accept());
    accepted.setSoTimeout(10_000);
    accepted.setTcpNoDelay(true);
    accepted.startHandshake();
    return accepted;
  }

  /** Once they have not changed for a while. */
  private static Resources settled(MeshRuntime orders, MeshRuntime frontend) {
    Resources[] last = {resources(orders, frontend)};
    int[] same = {0};
    Eventually.await(
        "rest",
        () -> {
          Resources now = resources(orders, frontend);
          same[0] = now.equals(last[0]) ? same[0] + 1 : 0;
          last[0] = now;
          return same[0] > 200;
        });
    return last[0];
  }

  private static boolean isNoMoreThan(Resources before, Resources now) {
    return before.threads().containsAll(now.threads())
        && now.sockets().size() <= before.sockets().size()
        && now.connections() <= before.connections()
        && now.timers() <= before.timers();
  }

  private static Resources resources(MeshRuntime... runtimes) {
    int connections = 0;
    int timers = 0;
    for (MeshRuntime runtime : runtimes) {
      connections += runtime.status().connections();
      timers += timers(runtime);
    }
    return new Resources(threads(), sockets(), connections, timers);
  }

  /** What waits for its time in a runtime's timer and event loops, which nothing else tells. */
  private static int timers(MeshRuntime runtime) {
    Object parts = field(runtime, "assembly");
    int waiting = ((ScheduledThreadPoolExecutor) field(parts, "timer")).getQueue().size();
    for (EventExecutor loop : (EventLoopGroup) field(field(parts, "transport"), "loops")) {
      Object queue = fieldOf(AbstractScheduledEventExecutor.class, loop, "scheduledTaskQueue");
      waiting += queue == null ? 0 : ((Queue<?>) queue).size();
    }
    return waiting;
  }

  private static Object field(Object owner, String name) {
    return java.util.Objects.requireNonNull(fieldOf(owner.getClass(), owner, name));
  }

  private static @Nullable Object fieldOf(Class<?> type, Object owner, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field.get(owner);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(type.getName() + " has changed", e);
    }
  }

  /** By name, those that the JVM starts and ends by itself left out. */
  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("meshward"))
        .map(thread -> thread.getName() + "#" + thread.threadId())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The open sockets by their inodes, with what the kernel says of those of TCP. */
  private static Set<String> sockets() {
    Set<String> sockets = new TreeSet<>();
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      open.forEach(descriptor -> socket(descriptor).ifPresent(sockets::add));
      return sockets;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Optional<String> socket(Path descriptor) {
    try {
      String link = Files.readSymbolicLink(descriptor).toString();
      return link.startsWith("socket:") ? Optional.of(link) : Optional.empty();
    } catch (IOException e) {
      // Closed meanwhile.
      return Optional.empty();
    }
  }

  /** What the kernel says of sockets that were not there before. */
  private static String explain(Resources before, Resources now) {
    Set<String> more = new TreeSet<>(now.sockets());
    more.removeAll(before.sockets());
    StringBuilder words = new StringBuilder();
    for (String table : List.of("tcp", "tcp6", "unix")) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/self/net/" + table))) {
        lines
            .filter(
                line ->
                    more.stream()
                        .anyMatch(link -> line.contains(" " + link.replaceAll("[^0-9]", "") + " ")))
            .forEach(line -> words.append(table).append(": ").append(line).append('\n'));
      } catch (IOException e) {
        words.append(table).append(" cannot be read\n");
      }
    }
    return more + "\n" + words;
  }
}
