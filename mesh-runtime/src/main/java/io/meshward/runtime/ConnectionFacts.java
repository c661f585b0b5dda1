package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.meshward.schemas.CertificateFacts;
import io.meshward.schemas.Peer;
import io.meshward.schemas.SpiffeId;
import java.net.InetSocketAddress;
import java.time.Instant;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * What policies may know of a connection, all of it from TLS and the socket: read once when the
 * connection is ready, and not for each call. Immutable.
 */
final class ConnectionFacts {
  private final SpiffeId id;
  private final @Nullable PeerIdentity peer;
  private final @Nullable String ip;
  private final byte @Nullable [] address;
  private final @Nullable String localPort;
  private final @Nullable String tlsVersion;
  private final @Nullable String tlsCipher;
  private final Principal principal;
  private final long notBeforeMs;
  private final long notAfterMs;

  /** Hashes and names of the leaf; only the time that is left has to be told anew. */
  private final @Nullable CertificateFacts certificate;

  private final Peer told;

  private ConnectionFacts(
      SpiffeId id,
      @Nullable PeerIdentity peer,
      @Nullable String ip,
      @Nullable Integer port,
      Attributes transport) {
    SSLSession session = transport.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    this.id = id;
    this.peer = peer;
    this.ip = ip;
    this.address =
        transport.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress remote
                && remote.getAddress() != null
            ? remote.getAddress().getAddress()
            : null;
    this.localPort =
        transport.get(Grpc.TRANSPORT_ATTR_LOCAL_ADDR) instanceof InetSocketAddress local
            ? String.valueOf(local.getPort())
            : null;
    this.tlsVersion = session == null ? null : session.getProtocol();
    this.tlsCipher = session == null ? null : session.getCipherSuite();
    this.principal = Principal.of(id);
    this.notBeforeMs = peer == null ? 0 : peer.notBefore().toEpochMilli();
    this.notAfterMs = peer == null ? 0 : peer.notAfter().toEpochMilli();
    this.certificate =
        peer == null ? null : Certificates.facts(peer.certificate(), peer.notAfter());
    this.told =
        new Peer(
            ip,
            port,
            null,
            id,
            null,
            id.trustDomain(),
            peer == null ? null : HandshakeEvents.nonCanonical(peer.certificate()));
  }

  /** The facts of a transport whose peer was let in. */
  static ConnectionFacts of(PeerIdentity peer, Attributes transport) {
    return new ConnectionFacts(peer.id(), peer, peer.ip(), peer.port(), transport);
  }

  /** The same where something else than TLS authenticated the peer. */
  static ConnectionFacts foreign(SpiffeId id, TrackedConnection connection, Attributes transport) {
    return new ConnectionFacts(id, null, connection.ip(), connection.port(), transport);
  }

  SpiffeId id() {
    return id;
  }

  /** The peer, if TLS authenticated it. */
  @Nullable PeerIdentity peer() {
    return peer;
  }

  @Nullable String ip() {
    return ip;
  }

  /** What an event at that time says of the peer's leaf, if it has one. */
  @Nullable CertificateFacts certificate(Instant now) {
    return certificate == null
        ? null
        : new CertificateFacts(
            certificate.serial(),
            certificate.sha256(),
            certificate.spkiSha256(),
            certificate.aki(),
            certificate.issuer(),
            certificate.notBefore(),
            certificate.notAfter(),
            notAfterMs - now.toEpochMilli());
  }

  /** What an event says of the peer. */
  Peer told() {
    return told;
  }

  /** Whether the peer's address is in the block; no if it has none, as on a Unix socket. */
  boolean comesFrom(AddressBlock block) {
    return address != null && block.contains(address);
  }

  boolean hasAddress() {
    return address != null;
  }

  @Nullable String localPort() {
    return localPort;
  }

  /** As TLS names it, {@code TLSv1.3}. */
  @Nullable String tlsVersion() {
    return tlsVersion;
  }

  @Nullable String tlsCipher() {
    return tlsCipher;
  }

  /** The peer as a policy is asked about it. */
  Principal principal() {
    return principal;
  }

  /** Milliseconds since the SVID was issued; {@link Double#NaN} without one, as the next two. */
  double ageMs(long nowMs) {
    return peer == null ? Double.NaN : nowMs - notBeforeMs;
  }

  /** Milliseconds until the SVID ends. */
  double ttlLeftMs(long nowMs) {
    return peer == null ? Double.NaN : notAfterMs - nowMs;
  }

  /** Milliseconds from the SVID's issue to its end. */
  double lifetimeMs() {
    return peer == null ? Double.NaN : notAfterMs - notBeforeMs;
  }
}
