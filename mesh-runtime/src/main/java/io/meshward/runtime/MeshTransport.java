package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.grpc.ServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Servers and channels of gRPC over mTLS, on TCP and on Unix sockets, with the same event loops,
 * limits and tracking. Unix sockets are the JDK's, which need no native library; they have no
 * addresses, so that nothing is known of a peer but its identity. Thread-safe.
 */
final class MeshTransport implements AutoCloseable {
  private static final int MAX_EVENT_LOOPS = 4;
  private static final int FOREIGN_EVENT_LOOPS = 2;

  private final ConnectionTracker tracker;
  private final Admission admission;
  private final TlsContexts tls;
  private final TransportLimits limits;
  private final EventLoopGroup acceptor = eventLoops("meshward-accept", 1);
  private final EventLoopGroup loops =
      eventLoops(
          "meshward-io", Math.min(MAX_EVENT_LOOPS, Runtime.getRuntime().availableProcessors()));

  private final Queue<EventLoopGroup> foreignLoops = new ConcurrentLinkedQueue<>();

  MeshTransport(
      ConnectionTracker tracker, Admission admission, TlsContexts tls, TransportLimits limits) {
    this.tracker = tracker;
    this.admission = admission;
    this.tls = tls;
    this.limits = limits;
  }

  /**
   * A server that has everything but its services and who decides about calls.
   *
   * @param svidLifetime how long this workload's SVIDs live, which bounds a connection's age
   */
  NettyServerBuilder server(SocketAddress address, Duration svidLifetime) {
    NettyServerBuilder netty = NettyServerBuilder.forAddress(address);
    if (address instanceof UnixDomainSocketAddress socket) {
      UnixSockets.claim(socket.getPath());
      netty
          .channelFactory(
              () ->
                  AcceptedConnections.trackedBy(
                      tracker::accepted, new NioServerDomainSocketChannel()))
          // gRPC sets it on every connection; Unix sockets do not know it and would warn.
          .withChildOption(ChannelOption.SO_KEEPALIVE, null);
    } else {
      netty.channelFactory(
          () -> AcceptedConnections.trackedBy(tracker::accepted, new NioServerSocketChannel()));
    }
    netty
        .bossEventLoopGroup(acceptor)
        .workerEventLoopGroup(loops)
        .sslContext(tls.server())
        .addTransportFilter(new PeerTransportFilter(tracker, admission));
    return MeshServerBuilder.withLimits(netty, limits, limits.connectionAge(svidLifetime));
  }

  /**
   * A server whose connections something else than TLS secures, with event loops of its own: it may
   * block them.
   */
  NettyServerBuilder server(
      InetSocketAddress address,
      ServerCredentials credentials,
      PeerAuthentication authentication,
      Duration svidLifetime) {
    EventLoopGroup own = eventLoops("meshward-" + authentication.name(), FOREIGN_EVENT_LOOPS);
    foreignLoops.add(own);
    ForeignConnections connections =
        new ForeignConnections(tracker, authentication, limits.handshakeTimeout());
    NettyServerBuilder netty =
        NettyServerBuilder.forAddress(address, credentials)
            .channelFactory(
                () ->
                    AcceptedConnections.trackedBy(
                        connections::accepted, new NioServerSocketChannel()))
            .bossEventLoopGroup(acceptor)
            .workerEventLoopGroup(own)
            .addTransportFilter(connections);
    return MeshServerBuilder.withLimits(netty, limits, limits.connectionAge(svidLifetime));
  }

  /** A channel that has everything but who decides about calls. */
  NettyChannelBuilder channel(String target, SpiffeId expectedPeer) {
    Optional<UnixDomainSocketAddress> socket = UnixSockets.target(target);
    NettyChannelBuilder netty =
        socket.isPresent()
            ? NettyChannelBuilder.forAddress(socket.get())
                .channelFactory(
                    () -> tracker.dialling(new NioDomainSocketChannel(), expectedPeer),
                    UnixDomainSocketAddress.class)
                .withOption(ChannelOption.SO_KEEPALIVE, null)
                // A path is no authority; the server is known by its SPIFFE ID in any case.
                .overrideAuthority("localhost")
            : NettyChannelBuilder.forTarget(target)
                .channelFactory(
                    () -> tracker.dialling(new NioSocketChannel(), expectedPeer),
                    InetSocketAddress.class);
    return netty
        .eventLoopGroup(loops)
        .sslContext(tls.client(expectedPeer))
        .keepAliveTime(limits.keepAliveTime().toMillis(), MILLISECONDS)
        .keepAliveTimeout(limits.keepAliveTimeout().toMillis(), MILLISECONDS)
        .maxInboundMetadataSize(limits.maxMetadataBytes());
  }

  /** Frees the threads; connections have to be cut before. Idempotent. */
  @Override
  public void close() {
    var unused = acceptor.shutdownGracefully(0, 1, SECONDS);
    for (EventLoopGroup foreign : foreignLoops) {
      var unusedEnd = foreign.shutdownGracefully(0, 1, SECONDS);
    }
    loops.shutdownGracefully(0, 1, SECONDS).awaitUninterruptibly(2, SECONDS);
  }

  private static EventLoopGroup eventLoops(String name, int count) {
    return new MultiThreadIoEventLoopGroup(
        count, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
  }
}
