package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One TCP connection from its first byte to its end: who is at the other side, once the handshake
 * has proved it, and a way to cut it. Thread-safe.
 */
final class TrackedConnection {

  /**
   * A peer that was let in.
   *
   * @param chain what it proved itself with
   * @param deadline the first instant at which the peer's or this side's SVID is over
   */
  private record Admitted(PeerIdentity peer, List<X509Certificate> chain, Instant deadline) {}

  private final String id;
  private final Role role;
  private final Channel channel;
  private final @Nullable SpiffeId expected;
  private volatile @Nullable Admitted admitted;

  /** The generation of trust of the last good verdict. */
  private volatile long generation = -1;

  /**
   * @param expected the only peer that will do, if one is expected
   */
  TrackedConnection(String id, Role role, Channel channel, @Nullable SpiffeId expected) {
    this.id = id;
    this.role = role;
    this.channel = channel;
    this.expected = expected;
  }

  String id() {
    return id;
  }

  Role role() {
    return role;
  }

  Channel channel() {
    return channel;
  }

  @Nullable SpiffeId expected() {
    return expected;
  }

  @Nullable String ip() {
    return channel.remoteAddress() instanceof InetSocketAddress address
            && address.getAddress() != null
        ? NetUtil.toAddressString(address.getAddress())
        : null;
  }

  @Nullable Integer port() {
    return channel.remoteAddress() instanceof InetSocketAddress address ? address.getPort() : null;
  }

  /** The peer, if it was let in. */
  Optional<PeerIdentity> peer() {
    return Optional.ofNullable(admitted).map(Admitted::peer);
  }

  void admit(PeerIdentity peer, List<X509Certificate> chain, Instant deadline, long generation) {
    this.admitted = new Admitted(peer, List.copyOf(chain), deadline);
    this.generation = generation;
  }

  /**
   * Whether the peer may still be spoken to: cheap, unless trust has changed since the last time.
   *
   * @return why not, or nothing
   */
  Optional<Verdict.Rejected> recheck(Admission admission) {
    Admitted let = admitted;
    if (let == null) {
      return refused(RejectionReason.NO_CLIENT_CERT, "the handshake admitted no peer");
    }
    if (!admission.hasOwnSvid()) {
      return refused(RejectionReason.NO_OWN_SVID, "this workload has no valid SVID");
    }
    if (admission.now().isAfter(let.deadline())) {
      return refused(RejectionReason.EXPIRED, "an SVID of this connection is over");
    }
    Trust.Snapshot trust = admission.trust().current();
    if (trust.generation() == generation) {
      return Optional.empty();
    }
    return switch (admission.judge(let.chain(), ip(), expected, trust)) {
      case Verdict.Accepted accepted -> {
        generation = trust.generation();
        yield Optional.empty();
      }
      case Verdict.Rejected rejected -> Optional.of(rejected);
    };
  }

  /**
   * Ends the connection now, without a word to the peer; what is in flight fails. On the
   * connection's own thread it is gone when this returns.
   */
  void cut() {
    if (channel.eventLoop().inEventLoop()) {
      closeFromTheSocket();
    } else {
      channel.eventLoop().execute(this::closeFromTheSocket);
    }
  }

  /** From the first handler on, so that neither HTTP/2 nor TLS can linger. */
  private void closeFromTheSocket() {
    ChannelHandlerContext first = channel.pipeline().firstContext();
    ChannelFuture unused = first == null ? channel.close() : first.close();
  }

  /** Lets calls in flight end, and no new one begin. */
  void drain() {
    ChannelFuture unused = channel.close();
  }

  /** Done when the connection is gone. */
  CompletableFuture<@Nullable Void> gone() {
    CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();
    onClose(() -> gone.complete(null));
    return gone;
  }

  void onClose(Runnable task) {
    ChannelFuture unused = channel.closeFuture().addListener(closed -> task.run());
  }

  /**
   * Does something later on the connection's own thread, unless it is gone or this is cancelled.
   */
  Future<?> after(Duration wait, Runnable task) {
    Future<?> timer = channel.eventLoop().schedule(task, wait.toMillis(), MILLISECONDS);
    onClose(() -> timer.cancel(false));
    return timer;
  }

  private static Optional<Verdict.Rejected> refused(RejectionReason reason, String words) {
    return Optional.of(new Verdict.Rejected(reason, null, 0, words));
  }
}
