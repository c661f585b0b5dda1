package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One event of each kind, as the documents and the contract with other readers show it. */
final class Samples {
  private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://example.org/ns/shop/sa/orders");
  private static final SpiffeId PAYMENT = SpiffeId.parse("spiffe://example.org/ns/shop/sa/payment");
  private static final LocalWorkload LOCAL =
      new LocalWorkload(PAYMENT, "node-1", "payment-6d5f7c9b4-x2x7k", "7f3a");
  private static final Connection CONNECTION = new Connection("7f3a-12");
  private static final Peer PEER =
      new Peer("10.1.0.7", 41234, "node-2", ORDERS, null, ORDERS.trustDomain(), null);
  private static final CertificateFacts CERTIFICATE =
      new CertificateFacts(
          "5f2c9a",
          "ab".repeat(32),
          "cd".repeat(32),
          "0102030405",
          "O=SPIFFE",
          NOW.minusSeconds(600),
          NOW.plusSeconds(3000),
          3_000_000);
  private static final OwnerRef DEPLOYMENT =
      new OwnerRef("Deployment", "orders", "0b6a2e0e-9c5a-4f43-8f6b-0d3f2a1c9b10");
  private static final Target TARGET =
      new Target(
          "local",
          "shop",
          "orders-7c9d8b6f5-abcde",
          "c1c3f7f2-66a3-4d0c-9a06-1f1a0c2f5c11",
          "node-2",
          "orders",
          DEPLOYMENT,
          ORDERS);
  private static final ContainmentId CONTAINMENT =
      ContainmentId.of(TARGET.key(), "stolen-svid", "d".repeat(64));
  private static final PlaybookRef PLAYBOOK = new PlaybookRef("stolen-svid", "0123456789ab");

  private Samples() {}

  static Map<String, Event> all() {
    Map<String, Event> samples = new LinkedHashMap<>();
    samples.put("tls.handshake", handshake());
    samples.put("authz.decision", decision());
    samples.put("svid.lifecycle", lifecycle());
    samples.put("falco.alert", alert());
    samples.put("detection", detection());
    samples.put(
        "work",
        new Work(
            new Work.WorkItem(CONTAINMENT.toString()),
            detection(),
            PLAYBOOK,
            TARGET,
            new Work.Resolution(Work.Outcome.RESOLVED, null, List.of()),
            plan()));
    samples.put("response", response());
    samples.put("containment", containment());
    samples.put(
        "quarantine",
        new Quarantine(
            new Quarantine.Hold(
                CONTAINMENT.toString(),
                "stolen SVID",
                "responder",
                NOW,
                NOW.plusSeconds(3600),
                NOW.plusSeconds(1)),
            Subject.of(ORDERS)));
    samples.put(
        "enforcement",
        new Enforcement(
            new Enforcement.Applied(
                CONTAINMENT.toString(), Enforcement.Outcome.APPLIED, 2, NOW, NOW),
            Subject.of(ORDERS),
            LOCAL));
    samples.put("inventory", inventory());
    samples.put("fact", fact());
    samples.put("fact-watermark", new Fact.Watermark("0_3", NOW));
    samples.put("approval", approval());
    samples.put(
        "control",
        new Control(new Control.Limit("local", ResponseMode.PLAN, "change freeze", "alice", NOW)));
    samples.put(
        "risk",
        new Risk(new Risk.Score(ORDERS, 0.25, List.of("Denial burst"), NOW, NOW.plusSeconds(300))));
    samples.put(
        "policy",
        new PolicyBundle(
            new PolicyBundle.Policy(
                "payment",
                "{\"name\": \"payment\", \"allow_rules\": [{\"name\": \"orders\", \"source\":"
                    + " {\"principals\": [\"spiffe://example.org/ns/shop/sa/orders\"]}}]}",
                null,
                "alice",
                NOW)));
    samples.put(
        "deadletter",
        new DeadLetter(
            new DeadLetter.Letter(
                "ingest", "malformed_json", "line 1, column 2: unexpected character", NOW),
            new DeadLetter.Origin(null, null, null, "10.0.0.9"),
            DeadLetter.Payload.of("{oops".getBytes(UTF_8))));
    return samples;
  }

  private static TlsHandshake handshake() {
    return new TlsHandshake(
        new TlsHandshake.Tls(
            TlsHandshake.Role.SERVER,
            TlsHandshake.Result.SUCCESS,
            null,
            "boringssl",
            "TLSv1.3",
            "X25519",
            "TLS_AES_128_GCM_SHA256",
            "h2",
            "orders.example.org",
            false,
            1,
            "stapled",
            "unrevoked",
            4,
            0),
        LOCAL,
        CONNECTION,
        PEER,
        CERTIFICATE);
  }

  private static AuthzDecision decision() {
    return new AuthzDecision(
        new AuthzDecision.Authz(
            AuthzDecision.Decision.DENY,
            true,
            null,
            "policy",
            "payment@3f2a",
            "3f2a",
            null,
            "no_rule",
            12,
            "PERMISSION_DENIED",
            null,
            null,
            null,
            0.25),
        new AuthzDecision.Rpc("/shop.Payment/Transfer", true),
        LOCAL,
        CONNECTION,
        PEER,
        CERTIFICATE,
        new AuthzDecision.Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"),
        new AuthzDecision.Delegation(List.of(ORDERS)),
        new AuthzDecision.Jwt(
            ORDERS.toString(),
            List.of(PAYMENT.toString()),
            "k1",
            "j1",
            "ef".repeat(32),
            NOW,
            NOW.plusSeconds(60),
            null),
        new AuthzDecision.Metadata(List.of("x-spiffe-id")));
  }

  private static SvidLifecycle lifecycle() {
    return new SvidLifecycle(
        new SvidLifecycle.Svid(
            SvidLifecycle.Change.ROTATED,
            "5f2c9b",
            "cd".repeat(32),
            NOW,
            NOW.plusSeconds(3600),
            3_600_000L,
            50,
            null,
            1L,
            ORDERS.trustDomain(),
            7L,
            List.of("0102"),
            List.of(),
            null,
            null,
            null,
            null,
            null),
        LOCAL);
  }

  private static FalcoAlert alert() {
    ObjectNode fields = EventCodec.object();
    fields.put("evt.time", 1610667584834631763L);
    fields.put("proc.name", "grpcurl");
    fields.putNull("container.image.repository");
    return new FalcoAlert(
        new FalcoAlert.Falco(
            "Suspicious SVID Acquisition",
            "Critical",
            "syscall",
            "grpcurl connected to agent.sock",
            NOW,
            "node-2",
            "4f1f5f0c-2f1b-4b62-9a44-0f0a5a4b8e01",
            List.of("spiffe")),
        fields,
        new FalcoAlert.Place(
            "local", new FalcoAlert.Name("shop"), new FalcoAlert.Name("orders-7c9d8b6f5-abcde")),
        Map.of("sensor", EventCodec.object().put("version", "0.44")));
  }

  private static Detection detection() {
    return new Detection(
        new Detection.Finding(
            "d".repeat(64),
            "Stolen SVID used from outside the cluster",
            "0123456789ab",
            "Critical",
            "tls.handshake",
            List.of("A02"),
            "spiffe://example.org/ns/shop/sa/orders was used from 192.0.2.7",
            "e".repeat(64),
            NOW,
            NOW.plusMillis(8),
            false,
            PAYMENT.toString(),
            EvidenceRef.Signature.UNVERIFIED,
            "quarantined"),
        Map.of("peer.id", ORDERS.toString()),
        new Detection.Window(NOW.minusSeconds(20), NOW, 60_000, 3, "gte 3"),
        List.of(
            new EvidenceRef(
                "meshward.events.identity",
                2,
                4711,
                "e".repeat(64),
                EvidenceRef.Signature.UNVERIFIED,
                "quarantined")),
        TARGET,
        new Detection.SvidRef(
            "5f2c9a", "0102030405", "cd".repeat(32), NOW.minusSeconds(600), NOW.plusSeconds(3000)),
        PEER);
  }

  private static Response response() {
    return new Response(
        new Response.Transition(
            CONTAINMENT.toString(),
            3,
            ContainmentState.EXECUTING,
            ContainmentState.VERIFYING,
            NOW,
            "responder",
            null,
            ResponseMode.ENFORCE,
            "12".repeat(32),
            "34".repeat(32)),
        PLAYBOOK,
        TARGET,
        "d".repeat(64),
        new Response.StepChange(
            0, "identity.quarantine", StepState.DONE, "hold written", null, null));
  }

  private static Plan plan() {
    return new Plan(
        ResponseMode.ENFORCE,
        List.of(
            new Plan.Step(
                "workload.scale",
                EventCodec.object().put("replicas", 0),
                ErrorPolicy.STOP,
                10_000,
                null)),
        recovery(),
        60_000,
        600_000,
        600_000,
        new Plan.Budget(3, 600_000),
        null,
        null);
  }

  private static Plan.Recovery recovery() {
    return Plan.Recovery.manual();
  }

  private static Containment containment() {
    return new Containment(
        new Containment.Head(
            CONTAINMENT.toString(),
            ContainmentState.CONTAINED,
            ResponseMode.ENFORCE,
            6,
            null,
            "12".repeat(32),
            NOW,
            NOW,
            1,
            NOW,
            NOW.plusSeconds(2),
            NOW.plusMillis(20),
            null,
            null,
            600_000,
            60_000,
            null,
            "34".repeat(32)),
        PLAYBOOK,
        TARGET,
        List.of("d".repeat(64)),
        List.of(
            new Containment.Step(
                "workload.scale",
                EventCodec.object().put("replicas", 0),
                ErrorPolicy.STOP,
                10_000,
                StepState.VERIFIED,
                NOW.plusSeconds(2),
                "replicas: 3 -> 0",
                EventCodec.object().put("replicas", 3),
                new Containment.Verification(
                    Containment.Level.EFFECT,
                    true,
                    "0 of 3 pods left",
                    NOW.plusSeconds(2),
                    EventCodec.object().put("pods", 0)),
                null)),
        new Containment.Recovery(recovery(), null, null, null),
        List.of());
  }

  private static Inventory inventory() {
    return new Inventory(
        new Inventory.Pod(
            "local",
            "shop",
            "orders-7c9d8b6f5-abcde",
            "c1c3f7f2-66a3-4d0c-9a06-1f1a0c2f5c11",
            "10.1.0.7",
            "node-2",
            "10.0.0.2",
            "orders",
            false,
            true,
            "Running",
            Map.of("app", "orders")),
        List.of(new OwnerRef("ReplicaSet", "orders-7c9d8b6f5", "5d9c"), DEPLOYMENT),
        ORDERS,
        new Inventory.Validity(NOW.minusSeconds(3600), null));
  }

  private static Fact fact() {
    return new Fact.Match(
        new Fact.Correlation(
            "SVID request burst",
            "0123456789ab",
            "Suspicious SVID Acquisition",
            List.of("local", "shop", "frontend")),
        new Fact.EventRef(
            "e".repeat(64),
            NOW,
            false,
            "falco.alert",
            "//local/ingest",
            Map.of("proc.name", "grpcurl"),
            TARGET,
            null,
            null),
        new EvidenceRef("meshward.events.falco", 1, 42, "e".repeat(64), null, null));
  }

  private static Approval approval() {
    return new Approval(
        new Approval.Statement(
            "5b0c1d8e",
            CONTAINMENT.toString(),
            Approval.Decision.RELEASE,
            "forensics done",
            "alice",
            null,
            NOW,
            NOW.plusSeconds(600)),
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImFsaWNlIn0.e30.c2lnbmF0dXJl");
  }
}
