package io.meshward.cli;

import io.grpc.Attributes;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.CheckSessionRequest;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.examples.shop.SessionsGrpc;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * Uses a stolen SVID from an address that is no pod's: plain gRPC with a stolen key, nothing of the
 * mesh runtime. Keeps its connections, so that it can be seen whether they are cut.
 */
final class Thief implements AutoCloseable {
  /** Where no pod is. */
  static final String ADDRESS = "127.66.66.66";

  private static final Duration CALL_DEADLINE = Duration.ofSeconds(2);

  private final StolenSvid svid;
  private final Map<String, ManagedChannel> channels = new LinkedHashMap<>();

  Thief(StolenSvid svid) {
    this.svid = svid;
  }

  /**
   * Calls a service on the connection that is there, or on a new one.
   *
   * @param service {@code payment} or {@code auth-proxy}
   * @param endpoint where it listens, as {@code ip:port}
   */
  Status call(String service, String endpoint) throws SSLException {
    ManagedChannel channel = channels.get(endpoint);
    if (channel == null) {
      channel = connect(endpoint);
      channels.put(endpoint, channel);
    }
    return call(service, channel);
  }

  /** Calls a service on a connection of its own. */
  Status callAnew(String service, String endpoint) throws SSLException {
    ManagedChannel channel = connect(endpoint);
    try {
      return call(service, channel);
    } finally {
      channel.shutdownNow();
    }
  }

  private Status call(String service, ManagedChannel channel) {
    try {
      switch (service) {
        case "payment" ->
            PaymentGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_DEADLINE)
                .charge(
                    ChargeRequest.newBuilder()
                        .setCustomer("victim")
                        .setAmountCents(100_000)
                        .build());
        case "auth-proxy" ->
            SessionsGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_DEADLINE)
                .checkSession(
                    CheckSessionRequest.newBuilder().setSession("session-of-victim").build());
        default -> throw new IllegalArgumentException("the thief has no use for " + service);
      }
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  private ManagedChannel connect(String endpoint) throws SSLException {
    return NettyChannelBuilder.forTarget("dns:///" + endpoint)
        .sslContext(
            GrpcSslContexts.forClient()
                .keyManager(svid.key(), svid.chain().toArray(X509Certificate[]::new))
                .trustManager(InsecureTrustManagerFactory.INSTANCE)
                .protocols("TLSv1.3")
                .endpointIdentificationAlgorithm(null)
                .build())
        .localSocketPicker(
            new NettyChannelBuilder.LocalSocketPicker() {
              @Override
              public SocketAddress createSocketAddress(
                  SocketAddress remote, Attributes attributes) {
                return new InetSocketAddress(ADDRESS, 0);
              }
            })
        .build();
  }

  @Override
  public void close() {
    for (ManagedChannel channel : channels.values()) {
      channel.shutdownNow();
    }
    for (ManagedChannel channel : channels.values()) {
      try {
        channel.awaitTermination(1, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
