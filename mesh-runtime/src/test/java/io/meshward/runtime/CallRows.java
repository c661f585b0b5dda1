package io.meshward.runtime;

import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import java.util.List;
import java.util.stream.Stream;

/**
 * Identities that are forged beside TLS: by metadata, and by delegations.
 *
 * <p>What metadata claims is worth nothing on either side. A caller that is not allowed calls with
 * the claim to be one that is; a server that is not the one that was dialled answers so. The
 * former's connection is good, so that its call is refused; the latter's is not, so that nothing it
 * says is read. What our own service sends is left as it is: a proxy names its callers by {@code
 * x-forwarded-client-cert}, and no server can count on what its callers do not send.
 *
 * <p>A delegation is refused by the server that it comes to, and by the client that would have to
 * send one that its server would refuse. That call is never made: there is no event of it, but its
 * caller is told why.
 */
final class CallRows {
  private static final List<String> CLAIMS =
      List.of(
          "x-spiffe-id",
          "x-forwarded-client-cert",
          "l5d-client-id",
          "x-meshward-peer",
          "x-ssl-client-cert");

  private CallRows() {}

  static void addTo(Rows rows) {
    boolean server = rows.role == Role.SERVER;
    for (String header : CLAIMS) {
      rows.add(
          "another workload claims to be the right one by " + header,
          server ? "no_rule" : "unexpected_peer_id",
          new Attack.Claims(header));
    }
    if (server) {
      received(rows);
    } else {
      sent(rows);
    }
  }

  private static void received(Rows rows) {
    SpiffeId self = rows.self;
    SpiffeId caller = rows.peer;
    SpiffeId a = id(rows, "a");
    delegated(
        rows,
        "a delegation that began here loops back",
        "delegation_loop",
        List.of(self, caller),
        self);
    delegated(
        rows,
        "a delegation that went through here loops back",
        "delegation_loop",
        List.of(a, self, caller),
        self);
    delegated(
        rows,
        "a delegation went through its caller twice",
        "delegation_loop",
        List.of(caller, a, caller),
        self);
    delegated(
        rows,
        "a delegation went through another one twice",
        "delegation_loop",
        List.of(a, id(rows, "b"), a, caller),
        self);
    delegated(
        rows,
        "five act in a delegation",
        "delegation_too_long",
        Stream.concat(full(rows).stream(), Stream.of(caller)).toList(),
        self);
    delegated(
        rows,
        "a delegation is for another server",
        "delegation_audience",
        List.of(a, caller),
        id(rows, "stock"));
  }

  private static void sent(Rows rows) {
    SpiffeId server = rows.peer;
    SpiffeId a = id(rows, "a");
    String loop = "would come back to " + server;
    delegated(
        rows, "a delegation would loop back to its originator", loop, List.of(server), server);
    delegated(
        rows,
        "a delegation would loop back to one that acted in it",
        loop,
        List.of(a, server),
        server);
    delegated(
        rows,
        "a delegation would loop back to this side itself",
        "would come back to " + rows.self,
        List.of(a),
        rows.self);
    delegated(rows, "five would act in a delegation", "too long", full(rows), server);
  }

  private static void delegated(
      Rows rows, String what, String reason, List<SpiffeId> chain, SpiffeId server) {
    rows.add(what, reason, new Attack.Delegates(chain, server));
  }

  /** An originator and four that act for it. */
  private static List<SpiffeId> full(Rows rows) {
    return Stream.of("z", "a", "b", "c", "d").map(name -> id(rows, name)).toList();
  }

  private static SpiffeId id(Rows rows, String name) {
    return rows.shop.own.name().id("/ns/shop/sa/" + name);
  }
}
