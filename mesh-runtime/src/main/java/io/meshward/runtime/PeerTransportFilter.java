package io.meshward.runtime;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/**
 * Ties a transport to its tracked connection, once. A transport whose connection is not admitted,
 * or not any more, is cut, and gets no facts, so that a call which came before the cut is refused.
 */
final class PeerTransportFilter extends ServerTransportFilter {
  /** The connection, whoever is at its other side. */
  static final Attributes.Key<TrackedConnection> CONNECTION =
      Attributes.Key.create("meshward.connection");

  /** What is known of a peer that was let in; absent if none was. */
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
    Attributes.Builder known = attributes.toBuilder().set(CONNECTION, connection.get());
    Optional<PeerIdentity> peer = connection.get().peer();
    Optional<Verdict.Rejected> refused = connection.get().recheck(admission);
    if (refused.isPresent()) {
      connection.get().cut(Refusal.of(refused.get()));
    } else if (peer.isPresent()) {
      known.set(FACTS, ConnectionFacts.of(peer.get(), attributes));
    }
    return known.build();
  }
}
