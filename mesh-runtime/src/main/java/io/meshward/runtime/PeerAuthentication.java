package io.meshward.runtime;

import io.grpc.Attributes;
import io.meshward.schemas.SpiffeId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something else than this runtime's TLS that proves who is at the other side of a connection, such
 * as ALTS. Thread-safe.
 */
public interface PeerAuthentication {

  /**
   * What it proved.
   *
   * @param account who it is, in its own terms
   * @param id the SPIFFE ID that this stands for; absent if it stands for nobody
   */
  record Proved(String account, @Nullable SpiffeId id) {}

  /** Its name in events, {@code tls.provider}. */
  String name();

  /**
   * Who is at the other side of a connection; nothing if that was not proved.
   *
   * @param transport as gRPC has it after the handshake
   */
  Optional<Proved> peer(Attributes transport);
}
