package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The proxies whose {@code x-forwarded-client-cert} is believed. What the last element says is what
 * the TLS peer itself wrote: {@code By} is then its own ID, and {@code URI} that of its client.
 * Elements before it are hearsay. Thread-safe.
 */
final class TrustedProxies {
  static final Metadata.Key<String> KEY =
      Metadata.Key.of("x-forwarded-client-cert", Metadata.ASCII_STRING_MARSHALLER);

  private final IdentityPatterns proxies;
  private final Trust trust;
  private final Clock clock;

  TrustedProxies(IdentityPatterns proxies, Trust trust, Clock clock) {
    this.proxies = proxies;
    this.trust = trust;
    this.clock = clock;
  }

  /** Takes the header out of a call's metadata if its peer may send one. */
  @Nullable String forwarded(Metadata headers, SpiffeId peer) {
    if (!proxies.matches(peer)) {
      return null;
    }
    Iterable<String> values = headers.removeAll(KEY);
    return values == null ? null : String.join(",", values);
  }

  /**
   * The client on whose behalf a proxy calls.
   *
   * @throws EvidenceRejectedException naming what is wrong
   */
  Delegation judge(String header, SpiffeId proxy) {
    ForwardedClientCert parsed;
    try {
      parsed = ForwardedClientCert.parse(header);
    } catch (IllegalArgumentException e) {
      throw new EvidenceRejectedException("xfcc_malformed");
    }
    if (!parsed.last("by").contains(proxy.toString())) {
      throw new EvidenceRejectedException("xfcc_by");
    }
    List<String> names = parsed.last("uri");
    if (names.size() != 1) {
      throw new EvidenceRejectedException("xfcc_uri");
    }
    SpiffeId client = client(names.get(0));
    // A proxy does not say when the client's SVID was issued.
    if (trust.current().holds().againstClaim(client, null, clock.instant()).isPresent()) {
      throw new EvidenceRejectedException(RejectionReason.QUARANTINED.code());
    }
    return new Delegation(List.of(client), null);
  }

  private static SpiffeId client(String name) {
    try {
      SpiffeId client = SpiffeId.parse(name);
      if (client.hasPath()) {
        return client;
      }
    } catch (InvalidSpiffeIdException e) {
      throw new EvidenceRejectedException("xfcc_uri");
    }
    throw new EvidenceRejectedException("xfcc_uri");
  }
}
