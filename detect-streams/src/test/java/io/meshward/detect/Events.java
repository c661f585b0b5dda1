package io.meshward.detect;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.CertificateFacts;
import io.meshward.schemas.Connection;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.FalcoAlert;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Peer;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TrustDomain;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Events as their senders write them, of one small shop. */
final class Events {
  static final String CLUSTER = "demo";
  static final String SOCKET = "/run/spire/sockets/agent.sock";
  private static final String INGEST = "//demo/ingest";

  private Events() {}

  static SpiffeId id(String service) {
    return SpiffeId.parse("spiffe://example.org/ns/shop/sa/" + service);
  }

  /** An alert about a pod of the shop; without a pod, about its node. */
  static Envelope<FalcoAlert> alert(
      String id, Instant time, @Nullable String pod, Map<String, ?> outputFields) {
    ObjectNode fields = EventCodec.object();
    outputFields.forEach((name, value) -> fields.set(name, EventCodec.toTree(value)));
    return new Envelope<>(
        id,
        INGEST,
        time,
        new FalcoAlert(
            new FalcoAlert.Falco(
                "Workload API connection",
                "Notice",
                "syscall",
                "a connection",
                time,
                "node-1",
                null,
                List.of()),
            fields,
            new FalcoAlert.Place(
                CLUSTER,
                pod == null ? null : new FalcoAlert.Name("shop"),
                pod == null ? null : new FalcoAlert.Name(pod)),
            Map.of()));
  }

  /** An alert that {@code program} opened the Workload API's socket. */
  static Envelope<FalcoAlert> socketAlert(
      String id, Instant time, String pod, String program, String command) {
    return alert(
        id,
        time,
        pod,
        Map.of(
            "k8s.ns.name", "shop",
            "k8s.pod.name", pod,
            "proc.name", program,
            "proc.cmdline", command,
            "fd.name", SOCKET));
  }

  /** A handshake that {@code reporter}, as the server, had with a client. */
  static Envelope<TlsHandshake> handshake(
      String id, Instant time, String reporter, @Nullable SpiffeId peer, String peerIp) {
    return handshake(
        id,
        time,
        TlsHandshake.Role.SERVER,
        TlsHandshake.Result.SUCCESS,
        null,
        reporter,
        peer,
        peerIp);
  }

  static Envelope<TlsHandshake> handshake(
      String id,
      Instant time,
      TlsHandshake.Role role,
      TlsHandshake.Result result,
      @Nullable String detail,
      String reporter,
      @Nullable SpiffeId peer,
      String peerIp) {
    return new Envelope<>(
        id,
        id(reporter).toString(),
        time,
        new TlsHandshake(
            new TlsHandshake.Tls(
                role, result, detail, null, "TLSv1.3", null, null, "h2", null, false, 1, null, null,
                1, 0),
            local(reporter),
            new Connection("c-" + id),
            peer(peer, peerIp),
            certificate(time)));
  }

  /** One with a client whose certificate writes its ID in upper case. */
  static Envelope<TlsHandshake> nonCanonicalHandshake(
      String id, Instant time, String reporter, SpiffeId peer) {
    Envelope<TlsHandshake> plain = handshake(id, time, reporter, peer, "10.0.0.3");
    TlsHandshake of = plain.data();
    return new Envelope<>(
        plain.id(),
        plain.source(),
        plain.time(),
        new TlsHandshake(
            of.tls(),
            of.local(),
            of.conn(),
            new Peer("10.0.0.3", 40_000, null, peer, null, peer.trustDomain(), true),
            of.cert()));
  }

  static Envelope<AuthzDecision> decision(
      String id, Instant time, String reporter, SpiffeId peer, String peerIp, boolean allowed) {
    return decision(id, time, reporter, peer, peerIp, allowed, null, null, null, null);
  }

  static Envelope<AuthzDecision> decision(
      String id,
      Instant time,
      String reporter,
      SpiffeId peer,
      String peerIp,
      boolean allowed,
      @Nullable String reason,
      AuthzDecision.@Nullable Delegation delegation,
      AuthzDecision.@Nullable Jwt jwt,
      AuthzDecision.@Nullable Metadata meta) {
    return new Envelope<>(
        id,
        id(reporter).toString(),
        time,
        new AuthzDecision(
            new AuthzDecision.Authz(
                allowed ? AuthzDecision.Decision.ALLOW : AuthzDecision.Decision.DENY,
                true,
                null,
                "policy",
                null,
                null,
                null,
                reason,
                12,
                null,
                null,
                null,
                null,
                null),
            new AuthzDecision.Rpc("/shop.Orders/Place", true),
            local(reporter),
            new Connection("c-" + id),
            peer(peer, peerIp),
            certificate(time),
            null,
            delegation,
            jwt,
            meta));
  }

  static Envelope<SvidLifecycle> lifecycle(
      String id,
      Instant time,
      String reporter,
      String instance,
      SvidLifecycle.Change change,
      @Nullable Integer agePercent,
      long stream) {
    return new Envelope<>(
        id,
        id(reporter).toString(),
        time,
        new SvidLifecycle(
            new SvidLifecycle.Svid(
                change,
                "0a",
                "b".repeat(64),
                time,
                time.plusSeconds(3600),
                3_600_000L,
                agePercent,
                null,
                stream,
                TrustDomain.parse("example.org"),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null),
            new LocalWorkload(id(reporter), "node-1", reporter + "-0", instance)));
  }

  /** A pod of a Deployment that has its address since a moment. */
  static Inventory pod(String service, int replica, @Nullable String ip, Instant since) {
    return pod(service, replica, ip, since, null);
  }

  static Inventory pod(
      String service, int replica, @Nullable String ip, Instant since, @Nullable Instant until) {
    String name = service + "-" + replica;
    return new Inventory(
        new Inventory.Pod(
            CLUSTER,
            "shop",
            name,
            "uid-" + name,
            ip,
            "node-1",
            "192.168.0.1",
            service,
            false,
            true,
            "Running",
            Map.of("app", service)),
        List.of(
            new OwnerRef("ReplicaSet", service + "-rs", "uid-" + service + "-rs"),
            new OwnerRef("Deployment", service, "uid-" + service)),
        id(service),
        new Inventory.Validity(since, until));
  }

  private static LocalWorkload local(String service) {
    return new LocalWorkload(id(service), "node-1", service + "-0", "i-" + service);
  }

  private static Peer peer(@Nullable SpiffeId id, String ip) {
    return new Peer(ip, 40_000, null, id, null, id == null ? null : id.trustDomain(), null);
  }

  private static CertificateFacts certificate(Instant time) {
    return new CertificateFacts(
        "0a1b",
        "a".repeat(64),
        "b".repeat(64),
        "c".repeat(40),
        "CN=example.org",
        time.minusSeconds(600),
        time.plusSeconds(3000),
        3_000_000);
  }
}
