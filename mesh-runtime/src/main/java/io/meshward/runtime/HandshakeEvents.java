package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
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
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reports TLS handshakes of this workload, of both roles, whatever their outcome, and connections
 * that were ended because their peer broke the rules of HTTP/2: all of them, up to a limit for each
 * address.
 */
final class HandshakeEvents {
  private final EventReporter reporter;
  private final Admission admission;
  private final Consumer<TlsHandshake> observer;
  private final ServerStaples staples;
  private final Clock clock;
  private final HandshakeLimit limit = new HandshakeLimit(System::nanoTime);

  /**
   * @param observer hears of each handshake, also of those that are not reported
   * @param staples what servers and clients of this workload make of OCSP responses
   */
  HandshakeEvents(
      EventReporter reporter,
      Admission admission,
      Consumer<TlsHandshake> observer,
      ServerStaples staples,
      Clock clock) {
    this.reporter = reporter;
    this.admission = admission;
    this.observer = observer;
    this.staples = staples;
    this.clock = clock;
  }

  /** How many handshakes have not been reported so far, because their address had too many. */
  long leftOut() {
    return limit.leftOut();
  }

  /**
   * Reports that a peer is let in.
   *
   * @param issuerFault a rule for issuers that its certificate breaks, if any
   */
  void succeeded(
      TrackedConnection connection,
      HandshakeFacts facts,
      long trustGeneration,
      @Nullable RejectionReason issuerFault) {
    emit(
        connection,
        tls(
            connection,
            Result.SUCCESS,
            issuerFault == null ? null : issuerFault.code(),
            facts,
            facts.chain(),
            staples.label(connection.role(), facts, clock.instant()),
            crl(connection, facts.chain()),
            trustGeneration,
            0),
        connection.peerId().orElse(null),
        null,
        facts.chain());
  }

  /**
   * Reports a refusal. Before the handshake is over the peer has not proved that it has the key of
   * its certificate, so what that says is a claim and no identity.
   */
  void failed(
      TrackedConnection connection,
      HandshakeFailure failure,
      HandshakeFacts facts,
      long trustGeneration) {
    SvidRejectedException rejection = failure.rejection();
    List<X509Certificate> chain = rejection != null ? rejection.chain() : facts.chain();
    long skew = rejection == null ? 0 : rejection.rejection().skewMs();
    emit(
        connection,
        tls(
            connection,
            failure.result(),
            failure.detail(),
            facts,
            chain,
            rejection == null ? null : ServerStaples.label(rejection.rejection().reason()),
            failure.detail().equals(RejectionReason.REVOKED.code())
                ? RevocationStatus.REVOKED.label()
                : null,
            trustGeneration,
            skew),
        null,
        chain.isEmpty() && rejection != null ? rejection.rejection().claimedId() : claimedId(chain),
        chain);
  }

  /**
   * Reports that a connection was ended because its peer broke the rules of HTTP/2, such as by too
   * many pings or resets: a denial of all further calls.
   *
   * @param rule a code from a fixed set
   */
  void brokeTheRules(TrackedConnection connection, String rule) {
    if (!limit.lets(connection.ip(), false)) {
      return;
    }
    X509Certificate leaf = connection.peer().map(PeerIdentity::certificate).orElse(null);
    reporter.decision(
        clock.instant(),
        new AuthzDecision(
            new AuthzDecision.Authz(
                AuthzDecision.Decision.DENY,
                true,
                null,
                "connection",
                null,
                null,
                null,
                rule,
                0,
                null,
                null,
                null,
                null,
                null),
            null,
            reporter.local(),
            new Connection(connection.id()),
            peer(connection, connection.peerId().orElse(null), null, leaf),
            leaf == null ? null : Certificates.facts(leaf, clock.instant()),
            null,
            null,
            null,
            null));
  }

  private void emit(
      TrackedConnection connection,
      TlsHandshake.Tls tls,
      @Nullable SpiffeId id,
      @Nullable String claimedId,
      List<X509Certificate> chain) {
    X509Certificate leaf = chain.isEmpty() ? null : chain.get(0);
    CertificateFacts certificate = leaf == null ? null : Certificates.facts(leaf, clock.instant());
    TlsHandshake event =
        new TlsHandshake(
            tls,
            reporter.local(),
            new Connection(connection.id()),
            peer(connection, id, claimedId, leaf),
            certificate);
    observer.accept(event);
    if (limit.lets(connection.ip(), tls.result() == Result.SUCCESS)) {
      reporter.handshake(event);
    }
  }

  private static Peer peer(
      TrackedConnection connection,
      @Nullable SpiffeId id,
      @Nullable String claimedId,
      @Nullable X509Certificate leaf) {
    return new Peer(
        connection.ip(),
        connection.port(),
        null,
        id,
        claimedId,
        id == null ? null : id.trustDomain(),
        leaf == null ? null : nonCanonical(leaf));
  }

  private static TlsHandshake.Tls tls(
      TrackedConnection connection,
      Result result,
      @Nullable String detail,
      HandshakeFacts facts,
      List<X509Certificate> chain,
      @Nullable String ocsp,
      @Nullable String crl,
      long trustGeneration,
      long skewMs) {
    return new TlsHandshake.Tls(
        connection.role(),
        result,
        detail,
        facts.provider(),
        facts.version(),
        facts.group(),
        facts.cipher(),
        facts.alpn(),
        facts.sni(),
        facts.resumed(),
        chain.isEmpty() ? null : chain.size(),
        ocsp,
        crl,
        trustGeneration,
        skewMs);
  }

  private @Nullable String crl(TrackedConnection connection, List<X509Certificate> chain) {
    return connection
        .peer()
        .flatMap(
            peer ->
                Optional.ofNullable(
                    admission.revocation(chain, peer.id(), admission.trust().current())))
        .map(RevocationStatus::label)
        .orElse(null);
  }

  /** As events flag it: true, or nothing. */
  static @Nullable Boolean nonCanonical(X509Certificate leaf) {
    return X509SvidVerifier.isNonCanonical(leaf) ? true : null;
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
