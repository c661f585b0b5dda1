package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one server whose peers something else than TLS authenticates: tracked from
 * before their first byte on, and admitted, or refused and cut, once that has said who they are. A
 * connection that ends before is a failed handshake. Thread-safe.
 */
final class ForeignConnections extends ServerTransportFilter {

  /** How a transport of gRPC is known to be a channel of Netty, whose object it does not show. */
  private record Ends(@Nullable SocketAddress remote, @Nullable SocketAddress local) {}

  private final ConnectionTracker tracker;
  private final PeerAuthentication authentication;
  private final Duration handshakeTimeout;
  private final Map<Ends, ConnectionWatch> open = new ConcurrentHashMap<>();

  ForeignConnections(
      ConnectionTracker tracker, PeerAuthentication authentication, Duration handshakeTimeout) {
    this.tracker = tracker;
    this.authentication = authentication;
    this.handshakeTimeout = handshakeTimeout;
  }

  /** Begins to track a connection that was accepted; false if it must not be served. */
  boolean accepted(Channel channel) {
    Optional<ConnectionWatch> watch = tracker.foreign(channel);
    watch.ifPresent(
        each -> {
          Ends ends = new Ends(channel.remoteAddress(), channel.localAddress());
          open.put(ends, each);
          each.connection()
              .onClose(
                  () -> {
                    open.remove(ends, each);
                    each.failed(
                        HandshakeFailure.of(new ClosedChannelException()),
                        HandshakeFacts.by(authentication.name()));
                  });
          channel.pipeline().addLast(new Begin(each));
        });
    return watch.isPresent();
  }

  @Override
  public Attributes transportReady(Attributes attributes) {
    ConnectionWatch watch =
        open.get(
            new Ends(
                attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR),
                attributes.get(Grpc.TRANSPORT_ATTR_LOCAL_ADDR)));
    if (watch == null) {
      return attributes;
    }
    TrackedConnection connection = watch.connection();
    Attributes.Builder known =
        attributes.toBuilder().set(PeerTransportFilter.CONNECTION, connection);
    if (watch.authenticated(authentication.peer(attributes).orElse(null), authentication.name())) {
      connection
          .peerId()
          .ifPresent(
              id ->
                  known.set(
                      PeerTransportFilter.FACTS,
                      ConnectionFacts.foreign(id, connection, attributes)));
    }
    return known.build();
  }

  /** Begins once the channel has a thread of its own. */
  private final class Begin extends ChannelInboundHandlerAdapter {
    private final ConnectionWatch watch;
    private boolean begun;

    Begin(ConnectionWatch watch) {
      this.watch = watch;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      context.fireChannelActive();
      if (!begun) {
        begun = true;
        boolean unused = watch.begin(handshakeTimeout);
      }
    }
  }
}
