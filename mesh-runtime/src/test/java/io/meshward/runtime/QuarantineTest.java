package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Subject.Kind;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuarantineTest {
  private static final TrustDomain SHOP_TEST = TrustDomain.parse("shop.test");

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void cutsALiveCallOfAPeerThatBecomesHeldAndSaysHowManyConnections() throws Exception {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

    assertThat(chat.end()).isEqualTo(Status.Code.UNAVAILABLE);
    Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().outcome()).isEqualTo(Outcome.APPLIED);
    assertThat(report.enforcement().containment()).isEqualTo("containment-1");
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
    assertThat(report.subject()).isEqualTo(Subject.of(shop.frontend));
    assertThat(report.local().id()).isEqualTo(shop.orders);
    assertThat(shop.serverEvents.record(report).key()).isEqualTo("containment-1");
    assertThat(shop.serverEvents.record(report).eventClass()).isEqualTo(EventClass.ENFORCEMENT);
  }

  @Test
  void aHeldPeerDoesNotComeBackUntilItIsReleased() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    assertThat(Echo.call(channel, "before")).contains("frontend");

    QuarantineKey key = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    // The first call may end with the cut itself, before the channel dials again.
    Eventually.await(
        "a refused handshake",
        () -> {
          assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
          channel.resetConnectBackoff();
          return shop.serverEvents.of(TlsHandshake.class).stream()
              .anyMatch(event -> event.tls().result() == Result.CERTIFICATE_REVOKED);
        });
    TlsHandshake refused =
        shop.serverEvents.await(
            TlsHandshake.class, event -> event.tls().result() == Result.CERTIFICATE_REVOKED);
    assertThat(refused.tls().detail()).isEqualTo("quarantined");

    shop.serverHolds.release(key);
    channel.resetConnectBackoff();
    Eventually.await("a call after the release", () -> answers(channel));
    Enforcement released =
        shop.serverEvents.await(
            Enforcement.class, event -> event.enforcement().outcome() == Outcome.RELEASED);
    assertThat(released.enforcement().containment()).isEqualTo("containment-1");
  }

  @Test
  void aSubjectIsRefusedWhileAnyHoldLives() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    QuarantineKey one = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    shop.serverHolds.place(Subject.of(shop.frontend), "containment-2");

    shop.serverHolds.release(one);

    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
  }

  @ParameterizedTest
  @EnumSource(names = {"SPIFFE_ID", "PATH_PREFIX", "SERIAL", "KEY_HASH", "TRUST_DOMAIN", "IP"})
  void holdsEveryKindOfSubject(Kind kind) {
    Server server = shop.serve(servingItself());
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, server);
    assertThat(Echo.call(channel, "before")).contains("frontend");

    shop.serverHolds.place(subject(kind, frontend.svid()), "containment-1");

    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
    Enforcement report =
        shop.serverEvents.await(
            Enforcement.class, event -> event.enforcement().outcome() == Outcome.APPLIED);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
  }

  /** One that a hold on all around it spares. */
  private MeshRuntime servingItself(SpiffeId... others) {
    return shop.ordersRuntime(
        builder ->
            builder.protectedIdentities(
                Stream.concat(Stream.of(shop.orders), Stream.of(others))
                    .map(SpiffeId::toString)
                    .toArray(String[]::new)));
  }

  @Test
  void holdsOthersOfTheSameKindNot() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Stream.of(
            new Subject(Kind.SPIFFE_ID, SHOP_TEST, "spiffe://shop.test/ns/shop/sa/front"),
            new Subject(Kind.PATH_PREFIX, SHOP_TEST, "/ns/sho"),
            new Subject(Kind.PATH_PREFIX, SHOP_TEST, "/ns/shop/sa/front"),
            new Subject(Kind.KEY_HASH, SHOP_TEST, "ab".repeat(32)),
            new Subject(Kind.SERIAL, SHOP_TEST, "ab:cd"),
            new Subject(Kind.TRUST_DOMAIN, TrustDomain.parse("other.test"), "other.test"),
            new Subject(Kind.IP, null, "127.0.0.2"))
        .forEach(subject -> shop.serverHolds.place(subject, "containment-1"));

    assertThat(Echo.call(channel, "hello")).contains("frontend");
  }

  private static Subject subject(Kind kind, X509Svid svid) {
    return switch (kind) {
      case SPIFFE_ID -> Subject.of(svid.id());
      case PATH_PREFIX -> new Subject(kind, SHOP_TEST, "/ns/shop");
      case SERIAL ->
          new Subject(
              kind,
              SHOP_TEST,
              Certificates.authorityKeyIdentifier(svid.leaf())
                  + ":"
                  + svid.leaf().getSerialNumber().toString(16));
      case KEY_HASH -> new Subject(kind, SHOP_TEST, Certificates.keyHash(svid.leaf()));
      case TRUST_DOMAIN -> new Subject(kind, SHOP_TEST, "shop.test");
      case IP -> new Subject(kind, null, "0:0:0:0:0:ffff:127.0.0.1");
    };
  }

  @Test
  void issuedBeforeKeepsTheStolenSvidOutAndLetsTheRotatedOneIn() {
    Server server = shop.serve(shop.ordersRuntime());
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, server);
    assertThat(Echo.call(channel, "before")).contains("frontend");
    IssuedSvid stolen = shop.mesh.trustDomain().issue(shop.frontend);
    Instant cutoff = stolen.notBefore().plusSeconds(1);

    shop.serverHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            Instant.now(),
            null,
            cutoff));
    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);

    Eventually.await("the second of the cutoff", () -> !Instant.now().isBefore(cutoff));
    shop.mesh.workload(shop.frontend).rotate();
    Eventually.await("the rotated SVID", () -> !frontend.svid().notBefore().isBefore(cutoff));
    channel.resetConnectBackoff();
    Eventually.await("a call with the rotated SVID", () -> answers(channel));

    shop.serverEvents.clear();
    assertQuarantined(server, stolen);
  }

  @Test
  void aHoldThatExpiresIsReleasedByOurClock() {
    // A little ahead, so that what is issued while this runs is valid already.
    SettableClock clock = new SettableClock(Instant.now().plusSeconds(60));
    Server server = shop.serve(shop.ordersRuntime(builder -> builder.clock(clock)));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Duration life = Duration.ofMillis(300);
    shop.serverHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            clock.instant(),
            clock.instant().plus(life),
            null));
    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
    clock.advance(life);

    shop.serverEvents.await(
        Enforcement.class, event -> event.enforcement().outcome() == Outcome.RELEASED);

    channel.resetConnectBackoff();
    Eventually.await("a call after the hold", () -> answers(channel));
  }

  @Test
  void aHoldThatIsOverWhenItIsReadDoesNothing() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    shop.serverHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            Instant.now(),
            Instant.now().minus(1, ChronoUnit.MINUTES),
            null));

    assertThat(Echo.call(channel, "hello")).contains("frontend");
    assertThat(shop.serverEvents.of(Enforcement.class)).isEmpty();
  }

  @Test
  void refusesLoudlyToHoldAProtectedIdentity() {
    Server server = shop.serve(servingItself(shop.frontend));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Chat chat = Chat.open(channel);

    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    shop.serverHolds.place(new Subject(Kind.TRUST_DOMAIN, SHOP_TEST, "shop.test"), "containment-2");

    Enforcement refused =
        shop.serverEvents.await(
            Enforcement.class, event -> event.enforcement().containment().equals("containment-1"));
    assertThat(refused.enforcement().outcome()).isEqualTo(Outcome.REFUSED_PROTECTED);
    assertThat(chat.say("still here")).contains("frontend");
    // The wider hold is in force for everybody else.
    ManagedChannel other =
        Attacker.dial(
            server.getPort(), shop.mesh.trustDomain().issue(SHOP_TEST.id("/ns/shop/sa/payment")));
    try {
      assertThat(failure(other)).isEqualTo(Status.Code.UNAVAILABLE);
    } finally {
      other.shutdownNow();
    }
  }

  @Test
  void aProtectedIdentityIsServedFromAHeldAddressAndNobodyElseIs() {
    Server server = shop.serve(protectingFrontend());
    MeshRuntime frontend = shop.frontendRuntime();
    Chat chat = Chat.open(shop.dial(frontend, server));
    assertThat(chat.say("hello")).contains("frontend");

    shop.serverHolds.place(new Subject(Kind.IP, null, "127.0.0.1"), "containment-1");

    assertThat(outcomes("containment-1"))
        .as("others from there are refused")
        .containsExactly(Outcome.REFUSED_PROTECTED, Outcome.APPLIED);
    assertThat(chat.say("still here")).contains("frontend");
    assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");
    assertQuarantined(server, shop.mesh.trustDomain().issue(SHOP_TEST.id("/ns/shop/sa/payment")));
  }

  @Test
  void aClientDialsAProtectedServerAtAHeldAddressAndNoOther() {
    Server server = shop.serve(shop.ordersRuntime());
    MeshRuntime frontend =
        shop.frontendRuntime(builder -> builder.protectedIdentities(shop.orders.toString()));
    shop.clientHolds.place(new Subject(Kind.IP, null, "127.0.0.1"), "containment-1");

    assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");
    assertThat(failure(shop.dial(frontend, server, SHOP_TEST.id("/ns/shop/sa/payment"))))
        .isEqualTo(Status.Code.UNAVAILABLE);
    shop.clientEvents.await(
        TlsHandshake.class, event -> "quarantined".equals(event.tls().detail()));
  }

  @ParameterizedTest
  @EnumSource(names = {"PATH_PREFIX", "SERIAL", "KEY_HASH"})
  void aHoldOfAnyKindThatMeetsAProtectedIdentityIsRefusedLoudly(Kind kind) {
    Server server = shop.serve(protectingFrontend());
    MeshRuntime frontend = shop.frontendRuntime();
    Chat chat = Chat.open(shop.dial(frontend, server));
    assertThat(chat.say("hello")).contains("frontend");

    QuarantineKey key = shop.serverHolds.place(subject(kind, frontend.svid()), "containment-1");

    boolean ofOthersToo = kind == Kind.PATH_PREFIX;
    assertThat(outcomes("containment-1"))
        .isEqualTo(
            ofOthersToo
                ? List.of(Outcome.REFUSED_PROTECTED, Outcome.APPLIED)
                : List.of(Outcome.REFUSED_PROTECTED));
    assertThat(chat.say("still here")).contains("frontend");
    assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");

    shop.serverHolds.release(key);
    shop.serverHolds.place(new Subject(Kind.IP, null, "10.0.0.1"), "containment-2");
    assertThat(outcomes("containment-2")).containsExactly(Outcome.APPLIED);
    assertThat(outcomes("containment-1").contains(Outcome.RELEASED)).isEqualTo(ofOthersToo);
  }

  @Test
  void aHoldThatMeetsAProtectedIdentityLaterIsRefusedLoudlyThenAndOnce() {
    Server server = shop.serve(protectingFrontend());
    MeshRuntime frontend = shop.frontendRuntime();
    shop.serverHolds.place(subject(Kind.KEY_HASH, frontend.svid()), "containment-1");
    assertThat(outcomes("containment-1")).containsExactly(Outcome.APPLIED);

    assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");
    assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");

    assertThat(outcomes("containment-1"))
        .containsExactly(Outcome.APPLIED, Outcome.REFUSED_PROTECTED);
  }

  /** Nobody is served with that SVID, and the event says why. */
  private void assertQuarantined(Server server, IssuedSvid svid) {
    ManagedChannel channel = Attacker.dial(server.getPort(), svid);
    try {
      assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
    } finally {
      channel.shutdownNow();
    }
    shop.serverEvents.await(
        TlsHandshake.class, event -> "quarantined".equals(event.tls().detail()));
  }

  private MeshRuntime protectingFrontend() {
    return servingItself(shop.frontend);
  }

  /** What is reported of a containment, in order, when something is. */
  private List<Outcome> outcomes(String containment) {
    shop.serverEvents.await(
        Enforcement.class, event -> event.enforcement().containment().equals(containment));
    return shop.serverEvents.of(Enforcement.class).stream()
        .map(Enforcement::enforcement)
        .filter(report -> report.containment().equals(containment))
        .map(Enforcement.Applied::outcome)
        .toList();
  }

  @Test
  void aClientCutsItsConnectionsToAHeldServerAndDoesNotDialItAgain() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    shop.clientHolds.place(Subject.of(shop.orders), "containment-1");

    assertThat(chat.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(failure(channel)).isEqualTo(Status.Code.PERMISSION_DENIED);
    Enforcement report = shop.clientEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
  }

  @Test
  void aClientRefusesAServerOfAnSvidThatIsHeldByItsKey() {
    Server server = shop.serve(shop.ordersRuntime());
    MeshRuntime frontend = shop.frontendRuntime();
    IssuedSvid stolen = shop.mesh.trustDomain().issue(shop.orders);
    shop.clientHolds.place(
        new Subject(Kind.KEY_HASH, SHOP_TEST, Certificates.keyHash(stolen.leaf())),
        "containment-1");
    Server impostor = Attacker.serve(stolen);
    try {
      assertThat(failure(shop.dial(frontend, impostor))).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(Echo.call(shop.dial(frontend, server), "hello")).contains("frontend");
    } finally {
      impostor.shutdownNow();
    }
    TlsHandshake refused = shop.clientEvents.await(TlsHandshake.class, event -> true);
    assertThat(refused.tls().detail()).isEqualTo("quarantined");
  }

  @Test
  void refusesEverybodyUntilTheHoldsHaveBeenRead() {
    HeldIdentities unread = HeldIdentities.unread();
    MeshRuntime orders =
        shop.ordersRuntime(
            builder -> builder.quarantine(unread).quarantineDeadline(Duration.ofMillis(500)));
    Server server = shop.serve(orders);
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

    assertThat(orders.status().open()).isFalse();
    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
    TlsHandshake refused = shop.serverEvents.await(TlsHandshake.class, event -> true);
    assertThat(refused.tls().detail()).isEqualTo("quarantine_unread");

    unread.finishReading();
    channel.resetConnectBackoff();
    Eventually.await("a call after the holds were read", () -> answers(channel));
    assertThat(orders.status().open()).isTrue();
  }

  @Test
  void aClientDialsNobodyUntilTheHoldsHaveBeenRead() {
    Server server = shop.serve(shop.ordersRuntime());
    MeshRuntime frontend =
        shop.frontendRuntime(
            builder ->
                builder
                    .quarantine(HeldIdentities.unread())
                    .quarantineDeadline(Duration.ofMillis(500)));

    assertThat(failure(shop.dial(frontend, server))).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(shop.serverEvents.of(TlsHandshake.class)).isEmpty();
  }

  @Test
  void servesBeforeTheHoldsAreReadOnlyIfToldSo() {
    Server server =
        shop.serve(
            shop.ordersRuntime(
                builder ->
                    builder
                        .quarantine(HeldIdentities.unread())
                        .quarantineDeadline(Duration.ofMillis(500))
                        .openWhileQuarantineUnread()));

    assertThat(Echo.call(shop.dial(shop.frontendRuntime(), server), "hello")).contains("frontend");
  }

  private static boolean answers(ManagedChannel channel) {
    try {
      return Echo.call(channel, "hello").contains("frontend");
    } catch (StatusRuntimeException e) {
      channel.resetConnectBackoff();
      return false;
    }
  }

  private static Status.Code failure(ManagedChannel channel) {
    Status.Code code =
        catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "let me in"))
            .getStatus()
            .getCode();
    // What gRPC says of a call that meets the very moment of the cut; the next one is clear.
    return code == Status.Code.UNKNOWN ? failure(channel) : code;
  }
}
