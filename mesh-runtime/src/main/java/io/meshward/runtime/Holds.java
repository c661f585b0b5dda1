package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TrustDomain;
import java.net.InetAddress;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All holds, arranged by what they refuse. While they have not been read, everything is refused.
 * Immutable.
 */
final class Holds {
  private static final Holds UNREAD =
      new Holds(List.of(), IdentityPatterns.NONE, (hold, id) -> {}, false);

  private final Map<Subject, List<Hold>> bySubject;

  /** What there are holds on: of most peers little else than their ID has to be looked at. */
  private final Set<Subject.Kind> kinds = EnumSet.noneOf(Subject.Kind.class);

  private final IdentityPatterns protectedIdentities;
  private final BiConsumer<Hold, SpiffeId> spares;
  private final boolean read;

  private Holds(
      Collection<Hold> holds,
      IdentityPatterns protectedIdentities,
      BiConsumer<Hold, SpiffeId> spares,
      boolean read) {
    this.bySubject = holds.stream().collect(Collectors.groupingBy(Holds::subject));
    bySubject.keySet().forEach(subject -> kinds.add(subject.kind()));
    this.protectedIdentities = protectedIdentities;
    this.spares = spares;
    this.read = read;
  }

  /** Holds that nobody has read yet. */
  static Holds unread() {
    return UNREAD;
  }

  /**
   * Holds that were read to the end.
   *
   * @param protectedIdentities identities that no hold refuses
   */
  static Holds of(Collection<Hold> holds, IdentityPatterns protectedIdentities) {
    return of(holds, protectedIdentities, (hold, id) -> {});
  }

  /**
   * Holds that were read to the end.
   *
   * @param protectedIdentities identities that no hold refuses
   * @param spares hears of each hold that would refuse an identity if that were not protected, each
   *     time one is judged, on the judging thread
   */
  static Holds of(
      Collection<Hold> holds,
      IdentityPatterns protectedIdentities,
      BiConsumer<Hold, SpiffeId> spares) {
    return new Holds(holds, protectedIdentities, spares, true);
  }

  /** Whether they were read, so that the absence of a hold means something. */
  boolean read() {
    return read;
  }

  boolean isEmpty() {
    return bySubject.isEmpty();
  }

  int size() {
    return bySubject.values().stream().mapToInt(List::size).sum();
  }

  /** A hold that refuses a peer at an instant. */
  Optional<Hold> against(SpiffeId id, X509Certificate leaf, @Nullable String ip, Instant now) {
    if (bySubject.isEmpty()) {
      return Optional.empty();
    }
    List<Subject> subjects = names(id);
    addAddress(subjects, ip);
    addCertificate(subjects, id.trustDomain(), leaf);
    return unlessProtected(
        id,
        find(subjects, hold -> hold.livesAt(now) && hold.refuses(leaf.getNotBefore().toInstant())));
  }

  /** The first of the holds that refuse an ID, unless it is protected, which is told. */
  private Optional<Hold> unlessProtected(SpiffeId id, List<Hold> found) {
    if (found.isEmpty()) {
      return Optional.empty();
    }
    if (protectedIdentities.matches(id)) {
      found.forEach(hold -> spares.accept(hold, id));
      return Optional.empty();
    }
    return Optional.of(found.get(0));
  }

  /** A hold that refuses every SVID of an ID, whatever its certificate. */
  Optional<Hold> againstEverySvid(SpiffeId id, Instant now) {
    return bySubject.isEmpty()
        ? Optional.empty()
        : unlessProtected(
            id, find(names(id), hold -> hold.livesAt(now) && hold.issuedBefore() == null));
  }

  /**
   * A hold that refuses an identity which something else than its certificate proves.
   *
   * @param issuedAt when that was issued; if it does not say so, every hold on the identity counts
   */
  Optional<Hold> againstClaim(SpiffeId id, @Nullable Instant issuedAt, Instant now) {
    return bySubject.isEmpty()
        ? Optional.empty()
        : unlessProtected(
            id,
            find(
                names(id),
                hold -> hold.livesAt(now) && (issuedAt == null || hold.refuses(issuedAt))));
  }

  /**
   * A hold that refuses every SVID of an ID, or the address it comes from: without a certificate.
   */
  Optional<Hold> against(SpiffeId id, @Nullable String ip, Instant now) {
    if (bySubject.isEmpty()) {
      return Optional.empty();
    }
    List<Subject> subjects = names(id);
    addAddress(subjects, ip);
    return unlessProtected(
        id, find(subjects, hold -> hold.livesAt(now) && hold.issuedBefore() == null));
  }

  /**
   * A hold on an address that refuses whoever speaks from it before that is known: none if it may
   * be a protected identity.
   *
   * @param expected the only peer that will do, if one is expected
   */
  Optional<Hold> againstStranger(String ip, @Nullable SpiffeId expected, Instant now) {
    boolean mayBeProtected =
        expected == null ? !protectedIdentities.isEmpty() : protectedIdentities.matches(expected);
    return mayBeProtected ? Optional.empty() : againstAddress(ip, now);
  }

  /** A hold on an address, whoever comes from it. */
  Optional<Hold> againstAddress(String ip, Instant now) {
    return bySubject.getOrDefault(new Subject(Subject.Kind.IP, null, ip), List.of()).stream()
        .filter(hold -> hold.livesAt(now))
        .findFirst();
  }

  /** Loops and no streams: a thousand connections are looked at, by code that seldom runs. */
  private List<Hold> find(List<Subject> subjects, Predicate<Hold> refuses) {
    List<Hold> found = new ArrayList<>();
    for (Subject subject : subjects) {
      for (Hold hold : bySubject.getOrDefault(subject, List.of())) {
        if (refuses.test(hold)) {
          found.add(hold);
        }
      }
    }
    return found;
  }

  private void addAddress(List<Subject> subjects, @Nullable String ip) {
    if (ip != null && kinds.contains(Subject.Kind.IP)) {
      subjects.add(new Subject(Subject.Kind.IP, null, ip));
    }
  }

  private void addCertificate(
      List<Subject> subjects, TrustDomain trustDomain, X509Certificate leaf) {
    if (kinds.contains(Subject.Kind.KEY_HASH)) {
      subjects.add(new Subject(Subject.Kind.KEY_HASH, trustDomain, Certificates.keyHash(leaf)));
    }
    String authorityKey =
        kinds.contains(Subject.Kind.SERIAL) ? Certificates.authorityKeyIdentifier(leaf) : null;
    if (authorityKey != null) {
      subjects.add(
          new Subject(
              Subject.Kind.SERIAL, trustDomain, authorityKey + ":" + Certificates.serial(leaf)));
    }
  }

  /** The ID itself, its trust domain, and every prefix of whole segments of its path. */
  private List<Subject> names(SpiffeId id) {
    TrustDomain trustDomain = id.trustDomain();
    List<Subject> names = new ArrayList<>();
    if (kinds.contains(Subject.Kind.SPIFFE_ID)) {
      names.add(Subject.of(id));
    }
    if (kinds.contains(Subject.Kind.TRUST_DOMAIN)) {
      names.add(new Subject(Subject.Kind.TRUST_DOMAIN, trustDomain, trustDomain.name()));
    }
    if (kinds.contains(Subject.Kind.PATH_PREFIX)) {
      String path = id.path();
      for (int end = path.length(); end > 0; end = path.lastIndexOf('/', end - 1)) {
        names.add(new Subject(Subject.Kind.PATH_PREFIX, trustDomain, path.substring(0, end)));
      }
    }
    return names;
  }

  /** An IP address may be written in several ways: compare one of them. */
  private static Subject subject(Hold hold) {
    Subject subject = hold.key().subject();
    if (subject.kind() == Subject.Kind.IP) {
      InetAddress address = NetUtil.createInetAddressFromIpAddressString(subject.value());
      return address == null
          ? subject
          : new Subject(Subject.Kind.IP, null, NetUtil.toAddressString(address));
    }
    return subject;
  }
}
