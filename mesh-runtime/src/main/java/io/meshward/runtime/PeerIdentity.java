package io.meshward.runtime;

import io.grpc.Context;
import io.meshward.schemas.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The other side of a connection, as the TLS handshake proved it. Immutable.
 *
 * @param id its SPIFFE ID
 * @param certificate the leaf of its X.509-SVID
 * @param ip its address as this side sees it, if it has one
 * @param port its TCP port
 * @param connectionId names the connection in this workload's events
 */
public record PeerIdentity(
    SpiffeId id,
    X509Certificate certificate,
    @Nullable String ip,
    @Nullable Integer port,
    String connectionId) {
  static final Context.Key<PeerIdentity> KEY = Context.key("meshward.peer");

  /** Of a caller without a certificate; of others it is in {@link #KEY}. */
  static final Context.Key<SpiffeId> ID = Context.key("meshward.peer.id");

  /**
   * The caller of the call that is being served.
   *
   * @throws IllegalStateException outside of a call to a server of {@link
   *     MeshRuntime#serverBuilder}, or on a thread that its {@link Context} was not carried to
   */
  public static PeerIdentity current() {
    PeerIdentity peer = KEY.get();
    if (peer == null) {
      throw new IllegalStateException(
          "no peer identity here: it exists inside a call to a server of MeshRuntime.serverBuilder,"
              + " on threads that carry the call's io.grpc.Context");
    }
    return peer;
  }

  /**
   * Who the caller is of the call that is being served, whatever proved it: TLS, or something else
   * that has no certificates to show, such as ALTS.
   *
   * @throws IllegalStateException outside of a call that a runtime let in, or on a thread that its
   *     {@link Context} was not carried to
   */
  public static SpiffeId currentId() {
    PeerIdentity peer = KEY.get();
    SpiffeId id = peer == null ? ID.get() : peer.id();
    if (id == null) {
      throw new IllegalStateException(
          "no caller here: there is one inside a call that a MeshRuntime let in, on threads that"
              + " carry the call's io.grpc.Context");
    }
    return id;
  }

  /** When its SVID was issued, or a little earlier. */
  public Instant notBefore() {
    return certificate.getNotBefore().toInstant();
  }

  /** When its SVID ends. */
  public Instant notAfter() {
    return certificate.getNotAfter().toInstant();
  }
}
