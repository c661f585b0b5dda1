package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Event;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * What workloads report, by way of the runtime's own reporter and sink, without the handshakes and
 * calls: those would cost more than the pipeline that is measured. Thread-safe.
 */
public final class WorkloadReports implements AutoCloseable {
  private static final String HASH = "0".repeat(64);

  private final TestTrustDomain domain;
  private final Map<SpiffeId, EventSigner> signers = new ConcurrentHashMap<>();
  private final EventSink sink;
  private final SpiffeId self;
  private final EventReporter server;
  private final Map<SpiffeId, EventReporter> workloads = new ConcurrentHashMap<>();

  /**
   * Opens the sink.
   *
   * @param domain whose SVIDs the workloads sign with
   * @param self who reports handshakes and calls
   */
  public WorkloadReports(
      Map<String, Object> kafka, String prefix, TestTrustDomain domain, SpiffeId self) {
    this.domain = domain;
    this.sink = new KafkaEventSink(kafka, prefix, this::sign);
    this.self = self;
    this.server = reporter(self, "server-0");
  }

  private void sign(ProducerRecord<byte[], byte[]> record) {
    String source = new String(record.headers().lastHeader(CloudEvents.SOURCE).value(), UTF_8);
    signers.computeIfAbsent(SpiffeId.parse(source), this::signer).sign(record);
  }

  private EventSigner signer(SpiffeId id) {
    IssuedSvid issued = domain.issue(id);
    X509Svid svid = new X509Svid(id, issued.certificates(), issued.privateKey(), null);
    return new EventSigner(() -> Optional.of(svid), Clock.systemUTC());
  }

  private EventReporter reporter(SpiffeId id, String pod) {
    return new EventReporter(sink, Clock.systemUTC(), () -> id, "node-1", pod, pod + "-1");
  }

  /** A handshake with a client that proved an identity from an address. */
  public void handshake(SpiffeId client, String ip) {
    server.handshake(
        event(
            TlsHandshake.class,
            """
            {"tls": {"role": "server", "result": "SUCCESS", "version": "TLSv1.3", "alpn": "h2",
              "cipher": "TLS_AES_128_GCM_SHA256", "resumed": false, "chain_length": 1,
              "trust_generation": 1, "skew_ms": 0},
             "local": {"id": "%s", "node": "node-1", "pod": "server-0"},
             "conn": {"id": "c-1"}, %s}
            """
                .formatted(self, peer(client, ip))));
  }

  /** A call that was allowed. */
  public void allowedCall(SpiffeId client, String ip) {
    server.decision(
        Instant.now(),
        event(
            AuthzDecision.class,
            """
            {"authz": {"decision": "allow", "enforced": true, "engine": "policy",
              "policy_id": "shop@000000000000", "policy_revision": "%s", "rule_id": "everybody",
              "latency_us": 12},
             "rpc": {"method": "/shop.Orders/Place", "known_method": true},
             "local": {"id": "%s", "node": "node-1", "pod": "server-0"},
             "conn": {"id": "c-1"}, %s}
            """
                .formatted(HASH, self, peer(client, ip))));
  }

  /** A workload was issued a new SVID long before the old one was due for rotation. */
  public void earlyRotation(SpiffeId workload) {
    Instant now = Instant.now();
    String json =
        """
        {"svid": {"change": "rotated", "serial": "0a", "spki_sha256": "%s", "not_before": "%s",
          "not_after": "%s", "ttl_ms": 3600000, "age_percent": 5, "stream_number": 1},
         "local": {"id": "%s"}}
        """
            .formatted(HASH, now, now.plus(Duration.ofHours(1)), workload);
    boolean taken =
        workloads
            .computeIfAbsent(workload, id -> reporter(id, "vm" + id.path().replace('/', '-')))
            .lifecycle(event(SvidLifecycle.class, json).svid());
    if (!taken) {
      throw new IllegalStateException("the sink dropped an event of " + workload);
    }
  }

  private static <E extends Event> E event(Class<E> type, String json) {
    return EventCodec.decode(json.getBytes(UTF_8), type);
  }

  private static String peer(SpiffeId client, String ip) {
    Instant now = Instant.now();
    return """
    "peer": {"ip": "%s", "port": 40000, "id": "%s", "trust_domain": "%s"},
    "cert": {"serial": "0a", "sha256": "%s", "spki_sha256": "%s", "aki": "0b",
      "issuer": "O=SPIFFE,C=US", "not_before": "%s", "not_after": "%s", "ttl_left_ms": 3540000}\
    """
        .formatted(
            ip,
            client,
            client.trustDomain(),
            HASH,
            HASH,
            now.minusSeconds(60),
            now.plusSeconds(3540));
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
