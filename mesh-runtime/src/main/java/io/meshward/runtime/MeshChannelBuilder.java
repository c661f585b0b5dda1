package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.ForwardingChannelBuilder2;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Builds a gRPC channel that speaks mTLS with this workload's SVID, to a server of one SPIFFE ID.
 */
public final class MeshChannelBuilder extends ForwardingChannelBuilder2<MeshChannelBuilder> {
  private final NettyChannelBuilder netty;
  private final DialledChannels channels;
  private final DelegatingCalls delegatingCalls;

  MeshChannelBuilder(
      NettyChannelBuilder netty, DialledChannels channels, DelegatingCalls delegatingCalls) {
    this.netty = netty;
    this.channels = channels;
    this.delegatingCalls = delegatingCalls;
  }

  /**
   * Lets the server act on behalf of this workload, and, for calls that are made while one is
   * served, on behalf of whoever that one is made for: read from the call's {@link
   * io.grpc.Context}. Its policy, and those behind it, then have to allow the call to all of them.
   * A call that would come back to somebody in the chain, or have more than four act for its
   * originator, fails.
   */
  public MeshChannelBuilder delegating() {
    netty.intercept(delegatingCalls);
    return this;
  }

  @Override
  protected ManagedChannelBuilder<?> delegate() {
    return netty;
  }

  /** Dials from this address of the machine instead of one that the system picks. */
  public MeshChannelBuilder localAddress(InetAddress address) {
    netty.localSocketPicker(
        new NettyChannelBuilder.LocalSocketPicker() {
          @Override
          public @Nullable SocketAddress createSocketAddress(
              SocketAddress remote, Attributes attributes) {
            return new InetSocketAddress(address, 0);
          }
        });
    return this;
  }

  /**
   * Always refused: a mesh channel is never without TLS.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshChannelBuilder usePlaintext() {
    throw new UnsupportedOperationException("a mesh channel is never without TLS");
  }

  /**
   * Always refused: a server is known by its SPIFFE ID and not by a host name.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshChannelBuilder overrideAuthority(String authority) {
    throw new UnsupportedOperationException(
        "a mesh channel knows its server by its SPIFFE ID, not by an authority");
  }

  /** A channel that tries to connect at least once a second while it cannot. */
  @Override
  public ManagedChannel build() {
    return channels.add(netty.build());
  }
}
