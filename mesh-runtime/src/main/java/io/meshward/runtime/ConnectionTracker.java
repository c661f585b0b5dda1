package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.nio.channels.ClosedChannelException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows every connection of this workload, of both roles: watches its handshake, judges its peer
 * after it (a resumed session passes no trust manager), reports the outcome, drains it before and
 * cuts it when an SVID of it is over. Bounded: beyond the limit, new connections are closed at
 * once. Thread-safe.
 */
final class ConnectionTracker {
  private static final Logger log = LoggerFactory.getLogger(ConnectionTracker.class);
  private static final String H2 = "h2";

  /** Shorter than this, a connection is left to its end instead of being drained before. */
  private static final Duration SHORTEST_DRAIN = Duration.ofSeconds(2);

  private final Admission admission;
  private final HandshakeEvents events;
  private final TransportLimits limits;
  private final String instance;
  private final AtomicLong sequence = new AtomicLong();
  private final AtomicInteger open = new AtomicInteger();
  private final ConcurrentHashMap<Channel, TrackedConnection> connections =
      new ConcurrentHashMap<>();
  private final ConcurrentHashMap<ConnectionKey, TrackedConnection> byAddress =
      new ConcurrentHashMap<>();

  ConnectionTracker(
      Admission admission, HandshakeEvents events, TransportLimits limits, String instance) {
    this.admission = admission;
    this.events = events;
    this.limits = limits;
    this.instance = instance;
  }

  /** Begins to track a connection that a server accepted; false if it must not be served. */
  boolean accepted(Channel channel) {
    return track(channel, Role.SERVER, null);
  }

  /** A channel for one connection of a client, tracked. */
  Channel dialling(SpiffeId expected) {
    Channel channel = new NioSocketChannel();
    if (!track(channel, Role.CLIENT, expected)) {
      throw new IllegalStateException(
          "this workload has " + limits.maxConnections() + " connections, its limit");
    }
    return channel;
  }

  /** The live connection between two addresses. */
  Optional<TrackedConnection> find(ConnectionKey key) {
    return Optional.ofNullable(byAddress.get(key));
  }

  /** Every connection that is open now. */
  Collection<TrackedConnection> connections() {
    return List.copyOf(connections.values());
  }

  /** Judges every peer that was let in again, and cuts those that do not stand any more. */
  void judgeAgain() {
    for (TrackedConnection connection : connections.values()) {
      if (connection.peer().isPresent()) {
        connection
            .channel()
            .eventLoop()
            .execute(() -> connection.recheck(admission).ifPresent(refused -> connection.cut()));
      }
    }
  }

  void cutAll() {
    connections.values().forEach(TrackedConnection::cut);
  }

  private boolean track(Channel channel, Role role, @Nullable SpiffeId expected) {
    if (open.incrementAndGet() > limits.maxConnections()) {
      open.decrementAndGet();
      log.atWarn()
          .addKeyValue("limit", limits.maxConnections())
          .log("a connection is refused: there are too many");
      return false;
    }
    TrackedConnection connection =
        new TrackedConnection(
            instance + "-c" + sequence.incrementAndGet(), role, channel, expected);
    connections.put(channel, connection);
    connection.onClose(
        () -> {
          open.decrementAndGet();
          connections.remove(channel);
        });
    channel.pipeline().addLast(new Watch(connection));
    return true;
  }

  /** Waits for the TLS handler of one connection, then for the end of its handshake. */
  private final class Watch extends ChannelInboundHandlerAdapter {
    private final TrackedConnection connection;
    private boolean watching;
    private boolean reported;
    private @Nullable Future<?> timeout;

    Watch(TrackedConnection connection) {
      this.connection = connection;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      context.fireChannelActive();
      if (watching) {
        return;
      }
      watching = true;
      Channel channel = context.channel();
      ConnectionKey key = new ConnectionKey(channel.localAddress(), channel.remoteAddress());
      byAddress.put(key, connection);
      connection.onClose(() -> byAddress.remove(key, connection));
      Optional<Verdict.Rejected> refused = refusedUnseen();
      if (refused.isPresent()) {
        report(HandshakeFailure.of(refused.get()), null);
        connection.cut();
        return;
      }
      timeout =
          connection.after(
              limits.handshakeTimeout(),
              () -> {
                report(HandshakeFailure.TIMEOUT, null);
                connection.cut();
              });
      channel.eventLoop().execute(() -> watchHandshake(channel));
    }

    /** What needs no handshake to be refused. */
    private Optional<Verdict.Rejected> refusedUnseen() {
      if (!admission.hasOwnSvid()) {
        return Optional.of(
            new Verdict.Rejected(
                RejectionReason.NO_OWN_SVID, null, 0, "this workload has no valid SVID"));
      }
      String ip = connection.ip();
      return ip == null
          ? Optional.empty()
          : admission
              .trust()
              .current()
              .holds()
              .againstAddress(ip, admission.now())
              .map(
                  hold ->
                      new Verdict.Rejected(
                          RejectionReason.QUARANTINED, null, 0, "the address is held"));
    }

    private void watchHandshake(Channel channel) {
      SslHandler tls = channel.pipeline().get(SslHandler.class);
      if (tls == null) {
        // Closed meanwhile; anything else would be a connection without TLS.
        report(HandshakeFailure.of(new ClosedChannelException()), null);
        connection.cut();
        return;
      }
      var unused =
          tls.handshakeFuture()
              .addListener(
                  done -> {
                    if (done.isSuccess()) {
                      handshaken(tls);
                    } else {
                      report(HandshakeFailure.of(done.cause()), tls);
                    }
                  });
    }

    private void handshaken(SslHandler tls) {
      if (reported) {
        return;
      }
      if (!H2.equals(tls.applicationProtocol())) {
        report(HandshakeFailure.NO_ALPN, tls);
        connection.cut();
        return;
      }
      List<X509Certificate> chain = peerChain(tls.engine().getSession());
      Trust.Snapshot trust = admission.trust().current();
      switch (admission.judge(chain, connection.ip(), connection.expected(), trust)) {
        case Verdict.Rejected rejected -> {
          report(HandshakeFailure.of(rejected), tls);
          connection.cut();
        }
        case Verdict.Accepted accepted -> {
          admit(accepted, chain, tls, trust);
          // A hold may have come in between, and its cut may have passed this connection by.
          connection
              .recheck(admission)
              .ifPresentOrElse(
                  late -> {
                    report(HandshakeFailure.of(late), tls);
                    connection.cut();
                  },
                  () -> reportSuccess(tls, accepted.issuerFault()));
        }
      }
    }

    private void admit(
        Verdict.Accepted accepted,
        List<X509Certificate> chain,
        SslHandler tls,
        Trust.Snapshot trust) {
      PeerIdentity peer =
          new PeerIdentity(
              accepted.id(), chain.get(0), connection.ip(), connection.port(), connection.id());
      Instant deadline = peer.notAfter();
      Certificate[] own = tls.engine().getSession().getLocalCertificates();
      if (own != null && own.length > 0 && own[0] instanceof X509Certificate leaf) {
        Instant ownEnd = leaf.getNotAfter().toInstant();
        deadline = ownEnd.isBefore(deadline) ? ownEnd : deadline;
      }
      connection.admit(peer, chain, deadline, trust.generation());
      Duration left = Duration.between(admission.now(), deadline);
      if (left.compareTo(SHORTEST_DRAIN) > 0) {
        var unused = connection.after(left.multipliedBy(3).dividedBy(4), connection::drain);
      }
      cutAt(deadline);
    }

    /** Timers count by the machine's clock, deadlines by ours: look again when one fires. */
    private void cutAt(Instant deadline) {
      Duration left = Duration.between(admission.now(), deadline);
      if (left.isNegative()) {
        connection.cut();
      } else {
        var unused = connection.after(left.plusMillis(1), () -> cutAt(deadline));
      }
    }

    private void report(HandshakeFailure failure, @Nullable SslHandler tls) {
      if (!reported) {
        settle();
        events.failed(connection, failure, tls, admission.trust().current().generation());
      }
    }

    private void reportSuccess(SslHandler tls, @Nullable RejectionReason issuerFault) {
      settle();
      events.succeeded(connection, tls, admission.trust().current().generation(), issuerFault);
    }

    private void settle() {
      reported = true;
      if (timeout != null) {
        timeout.cancel(false);
      }
    }
  }

  /** What the peer proved itself with; nothing if it did not, or if that cannot be read. */
  static List<X509Certificate> peerChain(SSLSession session) {
    try {
      return Certificates.reread(session.getPeerCertificates());
    } catch (SSLPeerUnverifiedException | CertificateException e) {
      return List.of();
    }
  }
}
