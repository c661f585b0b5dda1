package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.meshward.schemas.CertificateFacts;
import io.meshward.schemas.Connection;
import io.meshward.schemas.Peer;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Reports every TLS handshake of this workload, of both roles, whatever its outcome. */
final class HandshakeEvents {
  private final EventReporter reporter;
  private final FullHandshakes fullHandshakes;
  private final Clock clock;

  HandshakeEvents(EventReporter reporter, FullHandshakes fullHandshakes, Clock clock) {
    this.reporter = reporter;
    this.fullHandshakes = fullHandshakes;
    this.clock = clock;
  }

  /**
   * Reports that a peer is let in.
   *
   * @param issuerFault a rule for issuers that its certificate breaks, if any
   */
  void succeeded(
      TrackedConnection connection,
      SslHandler tls,
      long trustGeneration,
      @Nullable RejectionReason issuerFault) {
    SSLSession session = tls.engine().getSession();
    List<X509Certificate> chain = ConnectionTracker.peerChain(session);
    SpiffeId id = connection.peer().map(PeerIdentity::id).orElse(null);
    emit(
        connection,
        facts(
            connection,
            Result.SUCCESS,
            issuerFault == null ? null : issuerFault.code(),
            tls,
            chain,
            trustGeneration,
            0),
        id,
        null,
        chain);
  }

  /**
   * Reports a refusal. Before the handshake is over the peer has not proved that it has the key of
   * its certificate, so what that says is a claim and no identity.
   */
  void failed(
      TrackedConnection connection,
      HandshakeFailure failure,
      @Nullable SslHandler tls,
      long trustGeneration) {
    SvidRejectedException rejection = failure.rejection();
    List<X509Certificate> chain =
        rejection != null
            ? rejection.chain()
            : tls == null ? List.of() : ConnectionTracker.peerChain(tls.engine().getSession());
    long skew = rejection == null ? 0 : rejection.rejection().skewMs();
    emit(
        connection,
        facts(connection, failure.result(), failure.detail(), tls, chain, trustGeneration, skew),
        null,
        claimedId(chain),
        chain);
  }

  private void emit(
      TrackedConnection connection,
      TlsHandshake.Tls tls,
      @Nullable SpiffeId id,
      @Nullable String claimedId,
      List<X509Certificate> chain) {
    CertificateFacts certificate =
        chain.isEmpty() ? null : Certificates.facts(chain.get(0), clock.instant());
    reporter.handshake(
        new TlsHandshake(
            tls,
            reporter.local(),
            new Connection(connection.id()),
            new Peer(
                connection.ip(),
                connection.port(),
                null,
                id,
                claimedId,
                id == null ? null : id.trustDomain()),
            certificate));
  }

  private TlsHandshake.Tls facts(
      TrackedConnection connection,
      Result result,
      @Nullable String detail,
      @Nullable SslHandler tls,
      List<X509Certificate> chain,
      long trustGeneration,
      long skewMs) {
    SslHandler finished = tls != null && tls.handshakeFuture().isSuccess() ? tls : null;
    SSLSession session = finished == null ? null : finished.engine().getSession();
    return new TlsHandshake.Tls(
        connection.role(),
        result,
        detail,
        session == null ? null : session.getProtocol(),
        null,
        session == null ? null : session.getCipherSuite(),
        finished == null ? null : finished.applicationProtocol(),
        null,
        finished == null ? null : fullHandshakes.resumed(finished.engine()),
        chain.isEmpty() ? null : chain.size(),
        null,
        null,
        trustGeneration,
        skewMs);
  }

  private static @Nullable String claimedId(List<X509Certificate> chain) {
    if (chain.isEmpty()) {
      return null;
    }
    try {
      List<String> names = Certificates.uriNames(chain.get(0));
      return names.isEmpty() ? null : X509SvidVerifier.clipped(names.get(0));
    } catch (CertificateParsingException e) {
      return null;
    }
  }
}
