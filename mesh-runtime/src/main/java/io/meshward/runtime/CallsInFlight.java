package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Error;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception.ShutdownHint;

/**
 * Lets the calls of a client that are in flight on a connection end with the cause of its end. By
 * itself gRPC says that the transport is closed for unknown reason, or, of a call that meets the
 * moment between the end of a channel and the news of it, that something unknown happened. For the
 * channel's own thread.
 */
final class CallsInFlight {
  private CallsInFlight() {}

  /** Ends them. The socket is closed: what gRPC writes on hearing this goes nowhere. */
  static void end(Channel channel, Refusal why) {
    tell(channel, why, ShutdownHint.HARD_SHUTDOWN);
  }

  /**
   * Lets no new one begin.
   *
   * @param why what those are told that are not over when the connection ends, whatever ends it
   */
  static void drain(Channel channel, Refusal why) {
    tell(channel, why, ShutdownHint.GRACEFUL_SHUTDOWN);
  }

  private static void tell(Channel channel, Refusal why, ShutdownHint hint) {
    var unused =
        channel
            .pipeline()
            .fireExceptionCaught(
                // gRPC takes the status of the cause; the peer is told that there is no error.
                new Http2Exception(
                    Http2Error.NO_ERROR, why.words(), why.status().asRuntimeException(), hint));
  }
}
