package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.meshward.schemas.TlsHandshake;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the TLS handler of one gRPC connection, then for the end of its handshake. For the
 * channel's own thread.
 */
final class ChannelWatch extends ChannelInboundHandlerAdapter {

  /** Hears of a connection whose peer is let in, before gRPC takes it over. */
  interface Admitted {
    void admitted(SSLSession session, TrackedConnection connection);
  }

  private static final String H2 = "h2";
  private static final Refusal PEER_CLOSED = Refusal.unavailable("the peer closed the connection");

  private final ConnectionWatch watch;
  private final Duration handshakeTimeout;
  private final Function<SSLEngine, @Nullable Boolean> resumed;
  private final Admitted admitted;
  private boolean watching;

  ChannelWatch(
      ConnectionWatch watch,
      Duration handshakeTimeout,
      Function<SSLEngine, @Nullable Boolean> resumed,
      Admitted admitted) {
    this.watch = watch;
    this.handshakeTimeout = handshakeTimeout;
    this.resumed = resumed;
    this.admitted = admitted;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    context.fireChannelActive();
    if (!watching) {
      watching = true;
      if (watch.begin(handshakeTimeout)) {
        context.channel().eventLoop().execute(() -> watchHandshake(context.channel()));
      }
    }
  }

  private void watchHandshake(Channel channel) {
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    if (tls == null) {
      // Closed meanwhile; anything else would be a connection without TLS.
      watch.failed(HandshakeFailure.of(new ClosedChannelException()), HandshakeFacts.NONE);
      watch.connection().cut(Refusal.unavailable("the connection has no TLS"));
      return;
    }
    ChannelHandlerContext behind = channel.pipeline().context(tls);
    channel
        .pipeline()
        .addAfter(
            behind.name(),
            null,
            new GoAwayWatch(
                watch.connection().role() == TlsHandshake.Role.CLIENT, watch::brokeTheRules));
    var unused =
        tls.handshakeFuture()
            .addListener(
                done -> {
                  if (done.isSuccess()) {
                    handshaken(channel, tls);
                  } else {
                    watch.failed(
                        HandshakeFailure.of(done.cause()), HandshakeFacts.unfinished(tls.engine()));
                  }
                });
  }

  private void handshaken(Channel channel, SslHandler tls) {
    SSLSession session = tls.engine().getSession();
    HandshakeFacts facts =
        HandshakeFacts.of(tls.engine(), tls.applicationProtocol(), resumed.apply(tls.engine()));
    if (!H2.equals(facts.alpn())) {
      watch.failed(HandshakeFailure.NO_ALPN, facts);
      watch.connection().cut(Refusal.unavailable("HTTP/2 was not agreed on"));
    } else if (watch.handshaken(facts)) {
      if (watch.connection().role() == TlsHandshake.Role.CLIENT) {
        var unused =
            channel.closeFuture().addListener(closed -> CallsInFlight.end(channel, ended()));
      }
      admitted.admitted(session, watch.connection());
    }
  }

  private Refusal ended() {
    return watch.connection().cutFor().orElse(PEER_CLOSED);
  }
}
