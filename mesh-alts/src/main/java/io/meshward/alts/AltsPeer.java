package io.meshward.alts;

import io.grpc.Context;
import io.meshward.schemas.SpiffeId;

/**
 * A caller, as the ALTS handshake proved it. Immutable.
 *
 * @param id the SPIFFE ID that its service account stands for
 * @param serviceAccount as Google names it
 */
public record AltsPeer(SpiffeId id, String serviceAccount) {
  static final Context.Key<AltsPeer> KEY = Context.key("meshward.alts.peer");

  /**
   * The caller of the call that is being served.
   *
   * @throws IllegalStateException outside of a call to a server of {@link AltsServer}
   */
  public static AltsPeer current() {
    AltsPeer peer = KEY.get();
    if (peer == null) {
      throw new IllegalStateException(
          "no ALTS peer here: it exists inside a call to a server of AltsServer.builder, on threads"
              + " that carry the call's io.grpc.Context");
    }
    return peer;
  }
}
