package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/**
 * Ties a transport to its tracked connection, once. A transport whose connection is not admitted,
 * or not any more, gets no peer, so that every call on it is refused, and is cut.
 */
final class PeerTransportFilter extends ServerTransportFilter {
  static final Attributes.Key<TrackedConnection> CONNECTION =
      Attributes.Key.create("meshward.connection");
  static final Attributes.Key<ConnectionFacts> FACTS = Attributes.Key.create("meshward.facts");

  private final ConnectionTracker tracker;
  private final Admission admission;

  PeerTransportFilter(ConnectionTracker tracker, Admission admission) {
    this.tracker = tracker;
    this.admission = admission;
  }

  @Override
  public Attributes transportReady(Attributes attributes) {
    SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    Optional<TrackedConnection> connection =
        session == null ? Optional.empty() : tracker.find(session);
    if (connection.isEmpty()) {
      return attributes;
    }
    Optional<PeerIdentity> peer = connection.get().peer();
    if (peer.isEmpty() || connection.get().recheck(admission).isPresent()) {
      connection.get().cut();
      return attributes;
    }
    return attributes.toBuilder()
        .set(CONNECTION, connection.get())
        .set(FACTS, ConnectionFacts.of(peer.get(), attributes))
        .build();
  }
}
