package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.meshward.schemas.CertificateFacts;
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
  private final PeerIdentity peer;
  private final byte @Nullable [] address;
  private final @Nullable String localPort;
  private final @Nullable String tlsVersion;
  private final @Nullable String tlsCipher;
  private final Principal principal;
  private final long notBeforeMs;
  private final long notAfterMs;

  /** Hashes and names of the leaf; only the time that is left has to be told anew. */
  private final CertificateFacts certificate;

  private ConnectionFacts(
      PeerIdentity peer,
      byte @Nullable [] address,
      @Nullable String localPort,
      @Nullable String tlsVersion,
      @Nullable String tlsCipher) {
    this.peer = peer;
    this.address = address;
    this.localPort = localPort;
    this.tlsVersion = tlsVersion;
    this.tlsCipher = tlsCipher;
    this.principal = Principal.of(peer.id());
    this.notBeforeMs = peer.notBefore().toEpochMilli();
    this.notAfterMs = peer.notAfter().toEpochMilli();
    this.certificate = Certificates.facts(peer.certificate(), peer.notAfter());
  }

  /** The facts of a transport whose peer was let in. */
  static ConnectionFacts of(PeerIdentity peer, Attributes transport) {
    SSLSession session = transport.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    return new ConnectionFacts(
        peer,
        transport.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress remote
                && remote.getAddress() != null
            ? remote.getAddress().getAddress()
            : null,
        transport.get(Grpc.TRANSPORT_ATTR_LOCAL_ADDR) instanceof InetSocketAddress local
            ? String.valueOf(local.getPort())
            : null,
        session == null ? null : session.getProtocol(),
        session == null ? null : session.getCipherSuite());
  }

  PeerIdentity peer() {
    return peer;
  }

  SpiffeId id() {
    return peer.id();
  }

  /** What an event at that time says of the peer's leaf. */
  CertificateFacts certificate(Instant now) {
    return new CertificateFacts(
        certificate.serial(),
        certificate.sha256(),
        certificate.spkiSha256(),
        certificate.aki(),
        certificate.issuer(),
        certificate.notBefore(),
        certificate.notAfter(),
        ttlLeftMs(now.toEpochMilli()));
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

  /** Milliseconds since the SVID was issued. */
  long ageMs(long nowMs) {
    return nowMs - notBeforeMs;
  }

  /** Milliseconds until the SVID ends. */
  long ttlLeftMs(long nowMs) {
    return notAfterMs - nowMs;
  }

  /** Milliseconds from the SVID's issue to its end. */
  long lifetimeMs() {
    return notAfterMs - notBeforeMs;
  }
}
