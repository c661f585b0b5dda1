package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Judges the JWT-SVIDs that come with calls: valid for this server's audience, presented by whom it
 * may be and no more often than it may be, and not of an identity that is held. A token that was
 * verified once is found again while it lives and the authorities stay the same. Thread-safe.
 */
final class CallTokens {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final String SCHEME = "Bearer ";

  private final JwtOptions options;
  private final Supplier<JwtSvids> jwtSvids;
  private final Duration leeway;
  private final Trust trust;
  private final Clock clock;
  private final TokenUses uses;
  private final Verified<String, CallToken> verified = new Verified<>();

  CallTokens(
      JwtOptions options,
      Supplier<JwtSvids> jwtSvids,
      Duration leeway,
      Trust trust,
      Clock clock,
      TokenUses uses) {
    this.options = options;
    this.jwtSvids = jwtSvids;
    this.leeway = leeway;
    this.trust = trust;
    this.clock = clock;
    this.uses = uses;
  }

  /** The bearer token of a call, or several of them with blanks between, which is none. */
  static @Nullable String bearer(Metadata headers) {
    Iterable<String> values = headers.getAll(AUTHORIZATION);
    if (values == null) {
      return null;
    }
    Iterator<String> all = values.iterator();
    String first = all.next();
    if (all.hasNext()) {
      return String.join(" ", values);
    }
    // The scheme's case does not matter (RFC 9110 11.1).
    return first.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        ? first.substring(SCHEME.length()).strip()
        : null;
  }

  /** Whether judging a token takes no signature. */
  boolean isKnown(String token) {
    Map<TrustDomain, JwtBundle> bundles = jwtSvids.get().bundlesNow();
    return bundles != null && verified.find(token, bundles, clock.instant()) != null;
  }

  /**
   * Judges a token and counts its use; may wait for the first bundles.
   *
   * @throws EvidenceRejectedException naming the rule that it breaks
   */
  CallToken judge(String token, SpiffeId carrier) {
    CallToken known = verify(token);
    JwtSvid svid = known.svid();
    boolean carries = options.carriers().matches(carrier);
    if (!carries && !svid.id().equals(carrier)) {
      throw new EvidenceRejectedException("jwt_peer", known.facts());
    }
    Instant now = clock.instant();
    if (trust.current().holds().againstClaim(svid.id(), known.issuedAt(), now).isPresent()) {
      throw new EvidenceRejectedException(RejectionReason.QUARANTINED.code(), known.facts());
    }
    int share = carries ? TokenUses.MOST_OF_CARRIER : TokenUses.MOST_OF_ONE;
    return switch (uses.use(known.name(), carrier, share, svid.expiresAt().plus(leeway), now)) {
      case GOOD -> known;
      case REPLAYED -> throw new EvidenceRejectedException("jwt_replayed", known.facts());
      case NO_ROOM -> throw new EvidenceRejectedException("jwt_uses_full", known.facts());
    };
  }

  private CallToken verify(String token) {
    CompactToken parsed = null;
    try {
      Map<TrustDomain, JwtBundle> bundles = jwtSvids.get().bundles();
      Instant now = clock.instant();
      CallToken known = verified.find(token, bundles, now);
      if (known != null) {
        return known;
      }
      parsed = CompactToken.parse(token);
      JwtSvid svid = JwtSvidVerifier.verify(token, audience(parsed), bundles, now, leeway);
      known = CallToken.of(svid, parsed);
      verified.put(token, known, bundles, now, svid.expiresAt().plus(leeway));
      return known;
    } catch (JwtSvidRejectedException e) {
      throw new EvidenceRejectedException(e.code(), facts(token, parsed));
    } catch (MeshRuntimeException e) {
      throw new EvidenceRejectedException("jwt_no_bundles", facts(token, parsed));
    }
  }

  /** The one of our names that a token is for; any, which it will then be refused for, if none. */
  private String audience(CompactToken parsed) {
    return parsed.audience().stream()
        .filter(options.audience()::contains)
        .findFirst()
        .orElseGet(() -> options.audience().iterator().next());
  }

  private static AuthzDecision.Jwt facts(String token, @Nullable CompactToken parsed) {
    return CallToken.facts(token, parsed);
  }
}
