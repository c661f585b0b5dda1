package io.meshward.cli;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.MetadataUtils;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * An SVID with its key, taken from a Workload API as whoever runs code in a workload can.
 *
 * @param chain the leaf first
 */
record StolenSvid(String id, List<X509Certificate> chain, PrivateKey key) {
  private static final Metadata.Key<String> SECURITY_HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  X509Certificate leaf() {
    return chain.getFirst();
  }

  /**
   * Takes the SVID of an ID.
   *
   * @param address of the Workload API: {@code unix:/path}
   * @throws io.grpc.StatusRuntimeException if the Workload API refuses or does not answer in time
   * @throws IllegalStateException if it does not offer that ID
   */
  static StolenSvid take(String address, String id, Duration time)
      throws GeneralSecurityException, InterruptedException {
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(address.substring("unix:".length())))
            .channelType(EpollDomainSocketChannel.class)
            .eventLoopGroup(loop)
            .usePlaintext()
            .intercept(securityHeader())
            .build();
    try {
      X509SVIDResponse response =
          SpiffeWorkloadAPIGrpc.newBlockingStub(channel)
              .withDeadlineAfter(time)
              .fetchX509SVID(X509SVIDRequest.getDefaultInstance())
              .next();
      return of(
          response.getSvidsList().stream()
              .filter(svid -> svid.getSpiffeId().equals(id))
              .findFirst()
              .orElseThrow(
                  () -> new IllegalStateException("the Workload API does not offer " + id)));
    } finally {
      channel.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
      var _ = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
  }

  private static ClientInterceptor securityHeader() {
    Metadata headers = new Metadata();
    headers.put(SECURITY_HEADER, "true");
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  private static StolenSvid of(X509SVID svid) throws GeneralSecurityException {
    List<X509Certificate> chain =
        CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(svid.getX509Svid().toByteArray()))
            .stream()
            .map(X509Certificate.class::cast)
            .toList();
    PKCS8EncodedKeySpec key = new PKCS8EncodedKeySpec(svid.getX509SvidKey().toByteArray());
    String algorithm = chain.getFirst().getPublicKey().getAlgorithm();
    return new StolenSvid(
        svid.getSpiffeId(), chain, KeyFactory.getInstance(algorithm).generatePrivate(key));
  }

  @Override
  public String toString() {
    return "StolenSvid[" + id + ", serial " + leaf().getSerialNumber().toString(16) + "]";
  }
}
