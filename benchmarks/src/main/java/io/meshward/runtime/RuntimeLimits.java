package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.time.Duration;

/** The runtime's keepalive, ages and limits for servers and channels that it does not build. */
public final class RuntimeLimits {
  private static final TransportLimits LIMITS = TransportLimits.defaults();

  private RuntimeLimits() {}

  /** Sets them. */
  public static NettyServerBuilder on(NettyServerBuilder server, Duration svidLifetime) {
    return MeshServerBuilder.withLimits(server, LIMITS, LIMITS.connectionAge(svidLifetime));
  }

  /** Sets them. */
  public static NettyChannelBuilder on(NettyChannelBuilder channel) {
    return channel
        .keepAliveTime(LIMITS.keepAliveTime().toMillis(), MILLISECONDS)
        .keepAliveTimeout(LIMITS.keepAliveTimeout().toMillis(), MILLISECONDS)
        .maxInboundMetadataSize(LIMITS.maxMetadataBytes());
  }
}
