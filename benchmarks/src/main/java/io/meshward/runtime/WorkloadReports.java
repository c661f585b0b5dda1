package io.meshward.runtime;

import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CertificateFacts;
import io.meshward.schemas.Connection;
import io.meshward.schemas.Peer;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What workloads report, by way of the runtime's own reporter and sink, without the handshakes and
 * calls: those would cost more than the pipeline that is measured. Thread-safe.
 */
public final class WorkloadReports implements AutoCloseable {
  private static final String HASH = "0".repeat(64);

  private final EventSink sink;
  private final EventReporter server;
  private final Map<SpiffeId, EventReporter> workloads = new ConcurrentHashMap<>();

  /**
   * Opens the sink.
   *
   * @param self who reports handshakes and calls
   */
  public WorkloadReports(Map<String, Object> kafka, String prefix, SpiffeId self) {
    this.sink = new KafkaEventSink(kafka, prefix);
    this.server = reporter(self, "server-0");
  }

  private EventReporter reporter(SpiffeId id, String pod) {
    return new EventReporter(sink, Clock.systemUTC(), () -> id, "node-1", pod, pod + "-1");
  }

  /** A handshake with a client that proved an identity from an address. */
  public void handshake(SpiffeId client, String ip) {
    server.handshake(
        new TlsHandshake(
            new TlsHandshake.Tls(
                TlsHandshake.Role.SERVER,
                TlsHandshake.Result.SUCCESS,
                null,
                "TLSv1.3",
                null,
                "TLS_AES_128_GCM_SHA256",
                "h2",
                null,
                false,
                1,
                null,
                null,
                1,
                0),
            server.local(),
            new Connection("c-" + client.path()),
            peer(client, ip),
            certificate()));
  }

  /** A call that was allowed. */
  public void allowedCall(SpiffeId client, String ip) {
    server.decision(
        new AuthzDecision(
            new AuthzDecision.Authz(
                AuthzDecision.Decision.ALLOW,
                true,
                null,
                "policy",
                "shop",
                HASH,
                "everybody",
                null,
                12,
                null),
            new AuthzDecision.Rpc("/shop.Orders/Place", true),
            server.local(),
            new Connection("c-1"),
            peer(client, ip),
            certificate(),
            null,
            null,
            null,
            null));
  }

  /** A workload was issued a new SVID long before the old one was due for rotation. */
  public void earlyRotation(SpiffeId workload) {
    Instant now = Instant.now();
    boolean taken =
        workloads
            .computeIfAbsent(workload, id -> reporter(id, "vm" + id.path().replace('/', '-')))
            .lifecycle(
                new SvidLifecycle.Svid(
                    SvidLifecycle.Change.ROTATED,
                    "0a",
                    HASH,
                    now,
                    now.plus(Duration.ofHours(1)),
                    3_600_000L,
                    5,
                    null,
                    1L,
                    workload.trustDomain(),
                    null,
                    List.of(),
                    List.of(),
                    null,
                    null,
                    null));
    if (!taken) {
      throw new IllegalStateException("the sink dropped an event of " + workload);
    }
  }

  private static Peer peer(SpiffeId client, String ip) {
    return new Peer(ip, 40_000, null, client, null, client.trustDomain());
  }

  private static CertificateFacts certificate() {
    Instant now = Instant.now();
    return new CertificateFacts(
        "0a",
        HASH,
        HASH,
        "0b",
        "O=SPIFFE,C=US",
        now.minusSeconds(60),
        now.plusSeconds(3540),
        3_540_000);
  }

  /** How many events were dropped so far. */
  public long dropped() {
    long all = 0;
    for (EventClass eventClass : EventClass.values()) {
      all += sink.dropped(eventClass);
    }
    return all;
  }

  @Override
  public void close() {
    sink.close();
  }
}
