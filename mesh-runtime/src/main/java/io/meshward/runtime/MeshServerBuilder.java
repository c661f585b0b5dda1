package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.grpc.ForwardingServerBuilder;
import io.grpc.HandlerRegistry;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.File;
import java.io.InputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Builds a gRPC server that speaks mTLS with this workload's SVID and asks the policy about every
 * call. Interceptors added here run inside of that: they see {@link PeerIdentity#current()}, and
 * only calls that are allowed.
 */
public final class MeshServerBuilder extends ForwardingServerBuilder<MeshServerBuilder> {
  private final NettyServerBuilder netty;
  private final @Nullable ServerInterceptor spans;
  private final ServerInterceptor gate;
  private @Nullable HandlerRegistry serviceOwned;

  /**
   * @param spans runs around the gate, if OpenTelemetry is told of calls
   */
  MeshServerBuilder(
      NettyServerBuilder netty, @Nullable ServerInterceptor spans, ServerInterceptor gate) {
    this.netty = netty;
    this.spans = spans;
    this.gate = gate;
  }

  static NettyServerBuilder withLimits(
      NettyServerBuilder netty, TransportLimits limits, Duration connectionAge) {
    return netty
        // The tracker ends a slow handshake and says so; this one is only behind it.
        .handshakeTimeout(limits.handshakeTimeout().plusSeconds(5).toMillis(), MILLISECONDS)
        .maxConnectionAge(connectionAge.toMillis(), MILLISECONDS)
        .maxConnectionAgeGrace(limits.maxConnectionAgeGrace().toMillis(), MILLISECONDS)
        .maxConnectionIdle(limits.maxConnectionIdle().toMillis(), MILLISECONDS)
        .keepAliveTime(limits.keepAliveTime().toMillis(), MILLISECONDS)
        .keepAliveTimeout(limits.keepAliveTimeout().toMillis(), MILLISECONDS)
        .permitKeepAliveTime(limits.permitKeepAliveTime().toMillis(), MILLISECONDS)
        .permitKeepAliveWithoutCalls(true)
        .maxInboundMetadataSize(limits.maxMetadataBytes())
        .maxConcurrentCallsPerConnection(limits.maxCallsPerConnection())
        .maxRstFramesPerWindow(limits.maxResetsPerWindow(), (int) limits.resetWindow().toSeconds());
  }

  @Override
  protected ServerBuilder<?> delegate() {
    return netty;
  }

  /**
   * Always refused: the SVID is the only certificate.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshServerBuilder useTransportSecurity(File certificateChain, File privateKey) {
    throw new UnsupportedOperationException("a mesh server uses its workload's SVID");
  }

  /**
   * Always refused: the SVID is the only certificate.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshServerBuilder useTransportSecurity(InputStream certificateChain, InputStream key) {
    throw new UnsupportedOperationException("a mesh server uses its workload's SVID");
  }

  @Override
  public MeshServerBuilder fallbackHandlerRegistry(@Nullable HandlerRegistry registry) {
    this.serviceOwned = registry;
    return this;
  }

  @Override
  public Server build() {
    netty.fallbackHandlerRegistry(new UnknownMethods(serviceOwned));
    // The interceptor added last runs first.
    netty.intercept(gate);
    if (spans != null) {
      netty.intercept(spans);
    }
    return netty.build();
  }
}
