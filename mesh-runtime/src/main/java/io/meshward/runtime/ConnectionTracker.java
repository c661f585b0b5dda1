package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows every connection of this workload, of both roles, gRPC or not. Bounded: beyond the limit,
 * new connections are closed at once, and counted. Thread-safe.
 */
final class ConnectionTracker {
  private static final Logger log = LoggerFactory.getLogger(ConnectionTracker.class);

  private final Admission admission;
  private final HandshakeEvents events;
  private final FullHandshakes fullHandshakes;
  private final TransportLimits limits;
  private final String instance;
  private final AtomicLong sequence = new AtomicLong();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicLong refused = new AtomicLong();
  private final Set<TrackedConnection> connections = ConcurrentHashMap.newKeySet();

  /** How often somebody asked to judge again since that was last done. */
  private final AtomicInteger asked = new AtomicInteger();

  /** By the very object: sessions may equal each other, and addresses on Unix sockets do. */
  private final Map<SSLSession, TrackedConnection> bySession =
      Collections.synchronizedMap(new IdentityHashMap<>());

  ConnectionTracker(
      Admission admission,
      HandshakeEvents events,
      FullHandshakes fullHandshakes,
      TransportLimits limits,
      String instance) {
    this.admission = admission;
    this.events = events;
    this.fullHandshakes = fullHandshakes;
    this.limits = limits;
    this.instance = instance;
  }

  /** Begins to track a connection that a server accepted; false if it must not be served. */
  boolean accepted(Channel channel) {
    return watched(channel, Role.SERVER, null);
  }

  /**
   * Begins to track a connection that a server accepted and whose peer something else than TLS
   * authenticates; nothing if there are too many.
   */
  Optional<ConnectionWatch> foreign(Channel channel) {
    return track(Role.SERVER, new ChannelLink(channel), null);
  }

  /**
   * A channel for one connection of a client, tracked.
   *
   * @throws IllegalStateException if there are too many
   */
  Channel dialling(Channel channel, SpiffeId expected) {
    if (!watched(channel, Role.CLIENT, expected)) {
      channel.unsafe().closeForcibly();
      throw tooMany();
    }
    return channel;
  }

  /**
   * Begins to track a connection that is not gRPC's; whoever has it tells its watch how it fares.
   *
   * @throws IllegalStateException if there are too many
   */
  ConnectionWatch owned(Role role, OwnedLink link) {
    ConnectionWatch watch = track(role, link, null).orElseThrow(this::tooMany);
    var unused = watch.begin(limits.handshakeTimeout());
    return watch;
  }

  /** The live gRPC connection of a TLS session whose peer was let in. */
  Optional<TrackedConnection> find(SSLSession session) {
    return Optional.ofNullable(bySession.get(session));
  }

  /** Every connection that is open now. */
  Collection<TrackedConnection> connections() {
    return List.copyOf(connections);
  }

  /** How many connections are open now. */
  int size() {
    return open.get();
  }

  /** How many connections were closed at once so far, because there were too many. */
  long refused() {
    return refused.get();
  }

  /**
   * Judges every peer that was let in again, and cuts those that do not stand any more: soon, and
   * not on the thread of whoever asks, which may be the one that brings the next SVID. Who asks
   * while it is done has it done once more.
   */
  void judgeAgain() {
    if (asked.getAndIncrement() == 0) {
      Thread unused = Thread.ofVirtual().name("meshward-judgement").start(this::judgeAsAsked);
    }
  }

  private void judgeAsAsked() {
    int done = 1;
    do {
      try {
        each(connections, connection -> connection.judgeAgain(admission));
      } catch (Error e) {
        // Whatever it is: the next who asks has to be heard.
        log.atError().setCause(e).log("connections could not be judged again");
      }
      done = asked.addAndGet(-done);
    } while (done > 0);
  }

  /** Cuts every connection. */
  void cutAll(Refusal why) {
    cut(connections, why);
  }

  /**
   * Cuts connections, where they live; one that cannot be cut keeps no other from it. Those of one
   * thread are cut in a row: what each leaves behind to be cleared away comes after the last one.
   */
  static void cut(Collection<TrackedConnection> connections, Refusal why) {
    Map<Executor, List<TrackedConnection>> byThread = new HashMap<>();
    each(
        connections,
        connection -> {
          // A thread that is told to end closes its connections before it does anything else.
          connection.endsFor(why);
          byThread
              .computeIfAbsent(connection.thread(), thread -> new ArrayList<>())
              .add(connection);
        });
    byThread.forEach((thread, those) -> cutOn(thread, those, why));
  }

  private static void cutOn(Executor thread, List<TrackedConnection> connections, Refusal why) {
    try {
      thread.execute(() -> each(connections, connection -> connection.cut(why)));
    } catch (RejectedExecutionException e) {
      // A thread that has ended has closed its connections.
      log.atDebug().setCause(e).log("there is nothing left to cut");
    }
  }

  private static void each(
      Collection<TrackedConnection> connections, Consumer<TrackedConnection> what) {
    for (TrackedConnection connection : connections) {
      try {
        what.accept(connection);
      } catch (RuntimeException e) {
        log.atError()
            .addKeyValue("connection", connection.id())
            .setCause(e)
            .log("a connection could not be judged again or cut; the others are");
      }
    }
  }

  private boolean watched(Channel channel, Role role, @Nullable SpiffeId expected) {
    Optional<ConnectionWatch> watch = track(role, new ChannelLink(channel), expected);
    watch.ifPresent(
        each ->
            channel
                .pipeline()
                .addLast(
                    new ChannelWatch(
                        each, limits.handshakeTimeout(), fullHandshakes::resumed, this::admitted)));
    return watch.isPresent();
  }

  private void admitted(SSLSession session, TrackedConnection connection) {
    bySession.put(session, connection);
    connection.onClose(() -> bySession.remove(session));
  }

  private Optional<ConnectionWatch> track(
      Role role, ConnectionLink link, @Nullable SpiffeId expected) {
    if (open.incrementAndGet() > limits.maxConnections()) {
      open.decrementAndGet();
      refused.incrementAndGet();
      return Optional.empty();
    }
    TrackedConnection connection =
        new TrackedConnection(instance + "-c" + sequence.incrementAndGet(), role, link, expected);
    connections.add(connection);
    connection.onClose(
        () -> {
          open.decrementAndGet();
          connections.remove(connection);
        });
    return Optional.of(new ConnectionWatch(connection, admission, events));
  }

  private IllegalStateException tooMany() {
    return new IllegalStateException(
        "this workload has " + limits.maxConnections() + " connections, its limit");
  }
}
