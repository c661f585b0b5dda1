package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is asked for each call, also where nobody cut the connection. */
class TrackedConnectionTest {
  private static final SpiffeId FRONTEND = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final TestTrustDomain domain = TestTrustDomain.create("shop.test");
  private final IssuedSvid peer = domain.issue(FRONTEND);
  private final SettableClock clock = new SettableClock(Instant.now());
  private final OwnIdentity own = new OwnIdentity(clock);
  private final Trust trust = new Trust();
  private final Admission admission = new Admission(own, trust, clock, SvidProfile.STRICT_AT_HOME);
  private final EmbeddedChannel channel = new EmbeddedChannel();
  private final TrackedConnection connection =
      new TrackedConnection("c1", Role.SERVER, new ChannelLink(channel), null);

  TrackedConnectionTest() {
    IssuedSvid orders = domain.issue(ORDERS, IssueOptions.DEFAULT.timeToLive(Duration.ofHours(2)));
    Map<TrustDomain, TrustBundle> bundles =
        Map.of(domain.name(), new TrustBundle(domain.name(), domain.x509Authorities()));
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(
                new X509Svid(ORDERS, orders.certificates(), orders.privateKey(), null),
                bundles,
                1)));
    assertThat(trust.bundles(bundles)).isTrue();
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    connection.admit(
        new PeerIdentity(FRONTEND, peer.leaf(), null, null, "c1"),
        peer.certificates(),
        peer.notAfter(),
        trust.current().generation());
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  @Test
  void isGoodWhileNothingHasChanged() {
    assertThat(refusal()).isEmpty();
  }

  @Test
  void isRefusedOnceItsPeerIsHeld() {
    hold(Subject.of(FRONTEND));

    assertThat(refusal()).contains(RejectionReason.QUARANTINED);
  }

  @Test
  void staysGoodWhenAnotherIsHeld() {
    hold(Subject.of(domain.name().id("/ns/shop/sa/payment")));

    assertThat(refusal()).isEmpty();
  }

  @Test
  void isRefusedOnceThisSideIsHeld() {
    hold(Subject.of(ORDERS));

    assertThat(refusal()).contains(RejectionReason.OWN_QUARANTINED);
  }

  @Test
  void isRefusedAfterTheSvidOfItsPeer() {
    clock.set(peer.notAfter());
    assertThat(refusal()).isEmpty();

    clock.set(peer.notAfter().plusMillis(1));

    assertThat(refusal()).contains(RejectionReason.EXPIRED);
  }

  @Test
  void isRefusedWhenTheAuthorityOfItsPeerIsGone() {
    TestTrustDomain namesake = TestTrustDomain.create("shop.test");
    assertThat(
            trust.bundles(
                Map.of(domain.name(), new TrustBundle(domain.name(), namesake.x509Authorities()))))
        .isTrue();

    assertThat(refusal()).contains(RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void isRefusedWhenOurOwnSvidIsWithdrawn() {
    own.accept(new IdentityUpdate.Withdrawn("denied"));

    assertThat(refusal()).contains(RejectionReason.NO_OWN_SVID);
  }

  @Test
  void isRefusedIfNobodyWasLetIn() {
    EmbeddedChannel other = new EmbeddedChannel();
    try {
      TrackedConnection unknown =
          new TrackedConnection("c2", Role.SERVER, new ChannelLink(other), null);

      assertThat(unknown.recheck(admission)).isPresent();
    } finally {
      other.finishAndReleaseAll();
    }
  }

  private void hold(Subject subject) {
    Hold hold = new Hold(new QuarantineKey(subject, "containment-1"), null, null, null);
    trust.holds(Holds.of(List.of(hold), IdentityPatterns.NONE));
  }

  private Optional<RejectionReason> refusal() {
    return connection.recheck(admission).map(Verdict.Rejected::reason);
  }
}
