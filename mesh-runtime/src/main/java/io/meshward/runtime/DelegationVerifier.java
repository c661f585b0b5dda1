package io.meshward.runtime;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Judges the delegation that comes with a call: an unbroken chain of links, each signed by a valid
 * SVID for the one that signed the next, the last one by the TLS peer for this workload, and nobody
 * in it twice. Thread-safe.
 */
final class DelegationVerifier {
  /** Links, the first one first, with commas between them. */
  static final Metadata.Key<String> KEY =
      Metadata.Key.of("meshward-delegation", Metadata.ASCII_STRING_MARSHALLER);

  /** Far above what is issued here. */
  static final Duration LONGEST_LIFE = Duration.ofMinutes(5);

  private final Supplier<@Nullable SpiffeId> own;
  private final Admission admission;
  private final Duration leeway;
  private final Clock clock;
  private final Verified<String, Judged> verified = new Verified<>();

  /**
   * A delegation whose links are good.
   *
   * @param peer who signed the last one
   */
  private record Judged(SpiffeId peer, Delegation delegation) {}

  /**
   * @param own this workload's ID
   * @param leeway by how much the clocks of signers may differ from ours
   */
  DelegationVerifier(
      Supplier<@Nullable SpiffeId> own, Admission admission, Duration leeway, Clock clock) {
    this.own = own;
    this.admission = admission;
    this.leeway = leeway;
    this.clock = clock;
  }

  /** Takes the delegation out of a call's metadata: the service gets it verified or not at all. */
  static @Nullable String take(Metadata headers) {
    if (!headers.containsKey(KEY)) {
      return null;
    }
    Iterable<String> values = headers.removeAll(KEY);
    return values == null ? null : String.join(",", values);
  }

  /** Whether judging it takes no signature. */
  boolean isKnown(String links) {
    return verified.find(links, admission.trust().current(), clock.instant()) != null;
  }

  /**
   * Judges a delegation.
   *
   * @throws EvidenceRejectedException naming the rule that it breaks
   */
  Delegation judge(String links, SpiffeId peer) {
    Trust.Snapshot trust = admission.trust().current();
    Instant now = clock.instant();
    Judged known = verified.find(links, trust, now);
    if (known == null) {
      List<DelegationToken> tokens = parse(links);
      known = verify(tokens, links, trust, now);
      verified.put(links, known, trust, now, end(tokens));
    }
    if (!known.peer().equals(peer)) {
      throw new EvidenceRejectedException("delegation_peer");
    }
    return known.delegation();
  }

  private static List<DelegationToken> parse(String links) {
    String[] texts = links.split(",", -1);
    if (texts.length > DelegationToken.MOST_ACTORS + 1) {
      throw new EvidenceRejectedException("delegation_too_long");
    }
    List<DelegationToken> tokens = new ArrayList<>();
    for (String text : texts) {
      tokens.add(DelegationToken.parse(text));
    }
    return tokens;
  }

  /** The first moment at which a link or the SVID behind one may be over. */
  private Instant end(List<DelegationToken> tokens) {
    return tokens.stream()
        .flatMap(
            token ->
                Stream.concat(
                    Stream.of(token.expiresAt().plus(leeway)),
                    token.chain().stream().map(signed -> signed.getNotAfter().toInstant())))
        .min(Instant::compareTo)
        .orElseThrow();
  }

  private Judged verify(
      List<DelegationToken> tokens, String links, Trust.Snapshot trust, Instant now) {
    List<SpiffeId> signers = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      DelegationToken token = tokens.get(i);
      checkTimes(token, now);
      signers.add(signer(token, trust));
      DelegationToken before = i == 0 ? null : tokens.get(i - 1);
      if (!token.originator().equals(signers.get(0))
          || !token.actors().equals(signers.subList(1, i + 1).reversed())
          || !Objects.equals(token.previous(), before == null ? null : before.hash())) {
        throw new EvidenceRejectedException("delegation_chain");
      }
    }
    for (int i = 0; i < tokens.size(); i++) {
      SpiffeId next = i + 1 < tokens.size() ? signers.get(i + 1) : own.get();
      if (!tokens.get(i).audience().equals(next)) {
        throw new EvidenceRejectedException("delegation_audience");
      }
    }
    Set<SpiffeId> all = new HashSet<>(signers);
    if (all.size() < signers.size() || all.contains(own.get())) {
      throw new EvidenceRejectedException("delegation_loop");
    }
    SpiffeId peer = signers.removeLast();
    return new Judged(peer, new Delegation(signers, links));
  }

  private void checkTimes(DelegationToken token, Instant now) {
    if (!now.minus(leeway).isBefore(token.expiresAt())) {
      throw new EvidenceRejectedException("delegation_expired");
    }
    if (token.issuedAt().isAfter(now.plus(leeway))) {
      throw new EvidenceRejectedException("delegation_not_yet_valid");
    }
    if (Duration.between(token.issuedAt(), token.expiresAt()).compareTo(LONGEST_LIFE) > 0) {
      throw new EvidenceRejectedException("delegation_lifetime");
    }
  }

  /** Who signed it, with an SVID that is good enough for a connection. */
  private SpiffeId signer(DelegationToken token, Trust.Snapshot trust) {
    return switch (admission.judge(token.chain(), null, null, trust)) {
      case Verdict.Accepted accepted -> {
        if (!token.isSigned()) {
          throw new EvidenceRejectedException("delegation_signature");
        }
        yield accepted.id();
      }
      case Verdict.Rejected rejected ->
          throw new EvidenceRejectedException(
              rejected.reason() == RejectionReason.QUARANTINED
                  ? RejectionReason.QUARANTINED.code()
                  : "delegation_signer");
    };
  }
}
