package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.net.InetAddress;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All holds, arranged by what they refuse. While they have not been read, everything is refused.
 * Immutable.
 */
final class Holds {
  private static final Holds UNREAD =
      new Holds(List.of(), IdentityPatterns.NONE, hold -> {}, false);

  private final Map<Subject, List<Hold>> bySubject;
  private final IdentityPatterns protectedIdentities;
  private final Consumer<Hold> spares;
  private final boolean read;

  private Holds(
      Collection<Hold> holds,
      IdentityPatterns protectedIdentities,
      Consumer<Hold> spares,
      boolean read) {
    this.bySubject = holds.stream().collect(Collectors.groupingBy(Holds::subject));
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
    return of(holds, protectedIdentities, hold -> {});
  }

  /**
   * Holds that were read to the end.
   *
   * @param protectedIdentities identities that no hold refuses
   * @param spares hears of each hold that would refuse a peer if that were not protected, each time
   *     one is judged by its certificate, on the judging thread
   */
  static Holds of(
      Collection<Hold> holds, IdentityPatterns protectedIdentities, Consumer<Hold> spares) {
    return new Holds(holds, protectedIdentities, spares, true);
  }

  /** Whether they were read, so that the absence of a hold means something. */
  boolean read() {
    return read;
  }

  int size() {
    return bySubject.values().stream().mapToInt(List::size).sum();
  }

  /** A hold that refuses a peer at an instant. */
  Optional<Hold> against(SpiffeId id, X509Certificate leaf, @Nullable String ip, Instant now) {
    if (bySubject.isEmpty()) {
      return Optional.empty();
    }
    Instant notBefore = leaf.getNotBefore().toInstant();
    Stream<Hold> found =
        subjects(id, leaf, ip)
            .flatMap(subject -> bySubject.getOrDefault(subject, List.of()).stream())
            .filter(hold -> hold.livesAt(now) && hold.refuses(notBefore));
    if (protectedIdentities.matches(id)) {
      found.forEach(spares);
      return Optional.empty();
    }
    return found.findFirst();
  }

  /** A hold that refuses every SVID of an ID, whatever its certificate. */
  Optional<Hold> againstEverySvid(SpiffeId id, Instant now) {
    if (bySubject.isEmpty() || protectedIdentities.matches(id)) {
      return Optional.empty();
    }
    return names(id)
        .flatMap(subject -> bySubject.getOrDefault(subject, List.of()).stream())
        .filter(hold -> hold.livesAt(now) && hold.issuedBefore() == null)
        .findFirst();
  }

  /**
   * A hold that refuses an identity which something else than its certificate proves.
   *
   * @param issuedAt when that was issued; if it does not say so, every hold on the identity counts
   */
  Optional<Hold> againstClaim(SpiffeId id, @Nullable Instant issuedAt, Instant now) {
    if (bySubject.isEmpty() || protectedIdentities.matches(id)) {
      return Optional.empty();
    }
    return names(id)
        .flatMap(subject -> bySubject.getOrDefault(subject, List.of()).stream())
        .filter(hold -> hold.livesAt(now) && (issuedAt == null || hold.refuses(issuedAt)))
        .findFirst();
  }

  /**
   * A hold that refuses every SVID of an ID, or the address it comes from: without a certificate.
   */
  Optional<Hold> against(SpiffeId id, @Nullable String ip, Instant now) {
    return protectedIdentities.matches(id)
        ? Optional.empty()
        : againstEverySvid(id, now)
            .or(() -> ip == null ? Optional.empty() : againstAddress(ip, now));
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

  private static Stream<Subject> subjects(SpiffeId id, X509Certificate leaf, @Nullable String ip) {
    String authorityKey = Certificates.authorityKeyIdentifier(leaf);
    Stream<Subject> certificate =
        Stream.concat(
            Stream.of(
                new Subject(Subject.Kind.KEY_HASH, id.trustDomain(), Certificates.keyHash(leaf))),
            authorityKey == null
                ? Stream.of()
                : Stream.of(
                    new Subject(
                        Subject.Kind.SERIAL,
                        id.trustDomain(),
                        authorityKey + ":" + Certificates.serial(leaf))));
    Stream<Subject> address =
        ip == null ? Stream.of() : Stream.of(new Subject(Subject.Kind.IP, null, ip));
    return Stream.of(names(id), certificate, address).flatMap(each -> each);
  }

  /** The ID itself, its trust domain, and every prefix of whole segments of its path. */
  private static Stream<Subject> names(SpiffeId id) {
    String path = id.path();
    Stream<Subject> prefixes =
        Stream.iterate(path.length(), end -> end > 0, end -> path.lastIndexOf('/', end - 1))
            .map(
                end ->
                    new Subject(
                        Subject.Kind.PATH_PREFIX, id.trustDomain(), path.substring(0, end)));
    return Stream.concat(
        Stream.of(
            Subject.of(id),
            new Subject(Subject.Kind.TRUST_DOMAIN, id.trustDomain(), id.trustDomain().name())),
        prefixes);
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
