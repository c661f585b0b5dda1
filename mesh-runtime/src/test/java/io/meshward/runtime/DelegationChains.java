package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Delegations of one trust domain's workloads, whoever they are and whether they may or not. */
final class DelegationChains {
  private final TestTrustDomain domain;
  private final Clock clock;
  private final Map<SpiffeId, X509Svid> svids = new ConcurrentHashMap<>();

  /**
   * @param clock tells when links are signed
   */
  DelegationChains(TestTrustDomain domain, Clock clock) {
    this.domain = domain;
    this.clock = clock;
  }

  /** The SVID that a workload signs with. */
  X509Svid svid(SpiffeId id) {
    return svids.computeIfAbsent(id, any -> X509Svids.of(domain.issue(id)));
  }

  /** The link that begins a delegation. */
  String link(SpiffeId from, SpiffeId to) {
    return chain(List.of(from), to);
  }

  /** A chain in which each signs a link for the next one, and the last one for a server. */
  String chain(List<SpiffeId> hops, SpiffeId server) {
    List<String> links = new ArrayList<>();
    List<SpiffeId> actors = new ArrayList<>();
    Instant now = clock.instant();
    for (int i = 0; i < hops.size(); i++) {
      if (i > 0) {
        actors.addFirst(hops.get(i));
      }
      links.add(
          DelegationToken.sign(
              svid(hops.get(i)),
              hops.get(0),
              List.copyOf(actors),
              i + 1 < hops.size() ? hops.get(i + 1) : server,
              now,
              now.plusSeconds(60),
              links.isEmpty() ? null : hash(links.getLast())));
    }
    return String.join(",", links);
  }

  /** A first link, and a second one that says whatever it says. */
  static String second(
      String first,
      X509Svid signer,
      SpiffeId originator,
      List<SpiffeId> actors,
      SpiffeId to,
      Instant issuedAt,
      int seconds) {
    return first
        + ","
        + DelegationToken.sign(
            signer, originator, actors, to, issuedAt, issuedAt.plusSeconds(seconds), hash(first));
  }

  private static String hash(String link) {
    return Certificates.sha256Hex(link.getBytes(UTF_8));
  }
}
