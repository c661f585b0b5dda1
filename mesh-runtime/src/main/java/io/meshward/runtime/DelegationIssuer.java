package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Adds this workload's link to a delegation, or begins one: for the server of one channel, good for
 * two minutes and used again for one. Bounded. Thread-safe.
 */
final class DelegationIssuer {
  private static final Duration LIFE = Duration.ofMinutes(2);
  private static final int MOST_KEPT = 1_024;

  private record Key(String received, SpiffeId audience) {}

  private record Issued(String links, X509Certificate signer, Instant renewAt) {}

  private final OwnIdentity own;
  private final Clock clock;
  private final Map<Key, Issued> issued =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Issued> eldest) {
          return size() > MOST_KEPT;
        }
      };

  DelegationIssuer(OwnIdentity own, Clock clock) {
    this.own = own;
    this.clock = clock;
  }

  /**
   * The links to send.
   *
   * @param received what the call that is being served came with, if it did
   * @param audience the server that is called
   * @throws MeshRuntimeException if this workload has no SVID, or the server would refuse the
   *     chain: it is in it, or it gets too long
   */
  String links(@Nullable Delegation received, SpiffeId audience) {
    X509Svid svid =
        own.usable()
            .orElseThrow(() -> new MeshRuntimeException("this workload has no valid SVID"))
            .svid();
    String before = received == null ? null : received.tokens();
    Key key = new Key(before == null ? "" : before, audience);
    Instant now = clock.instant();
    synchronized (issued) {
      Issued kept = issued.get(key);
      if (kept != null && kept.signer().equals(svid.leaf()) && now.isBefore(kept.renewAt())) {
        return kept.links();
      }
    }
    String links = sign(svid, before, audience, now);
    synchronized (issued) {
      issued.put(key, new Issued(links, svid.leaf(), now.plus(LIFE.dividedBy(2))));
    }
    return links;
  }

  private static String sign(
      X509Svid svid, @Nullable String before, SpiffeId audience, Instant now) {
    Instant end = now.plus(LIFE).isBefore(svid.notAfter()) ? now.plus(LIFE) : svid.notAfter();
    if (before == null) {
      return DelegationToken.sign(svid, svid.id(), List.of(), audience, now, end, null);
    }
    DelegationToken last = DelegationToken.parse(before.substring(before.lastIndexOf(',') + 1));
    List<SpiffeId> actors = new ArrayList<>(last.actors());
    actors.addFirst(svid.id());
    if (actors.size() > DelegationToken.MOST_ACTORS) {
      throw new MeshRuntimeException(
          "the delegation gets too long: "
              + DelegationToken.MOST_ACTORS
              + " act for "
              + last.originator()
              + " already");
    }
    if (actors.contains(audience) || last.originator().equals(audience)) {
      throw new MeshRuntimeException(
          "the delegation would come back to " + audience + ", which is in it already");
    }
    return before
        + ","
        + DelegationToken.sign(svid, last.originator(), actors, audience, now, end, last.hash());
  }
}
