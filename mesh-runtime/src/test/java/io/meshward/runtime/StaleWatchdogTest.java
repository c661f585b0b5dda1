package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.TestWorkloadApi;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class StaleWatchdogTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final TestTrustDomain domain = TestTrustDomain.create("shop.test");
  private final X509Svid svid =
      X509Svids.of(domain.issue(ORDERS, IssueOptions.DEFAULT.timeToLive(Duration.ofHours(1))));
  private final SettableClock clock = new SettableClock(svid.notBefore().plusMillis(1));
  private final OwnIdentity own = new OwnIdentity(clock);
  private final CountedSource source = new CountedSource(clock);
  private final StaleWatchdog watchdog = new StaleWatchdog(source, clock);

  @Test
  void asksAtTwoThirdsOfTheLifeAndFourTimesBeforeItsEnd() {
    issue(svid);

    observeUntil(svid.notAfter().plus(Duration.ofHours(1)));

    Duration twelfth = svid.lifetime().dividedBy(12);
    Instant first = svid.notBefore().plus(twelfth.multipliedBy(8));
    assertThat(source.asked).hasSize(4);
    for (int i = 0; i < 4; i++) {
      Instant due = first.plus(twelfth.multipliedBy(i));
      assertThat(source.asked.get(i)).as("time " + i).isBetween(due, due.plusSeconds(10));
    }
  }

  @Test
  void doesNotAskWhileNewSvidsCome() {
    issue(svid);
    for (int i = 1; i <= 3; i++) {
      observeUntil(svid.notBefore().plus(Duration.ofMinutes(30L * i)));
      issue(
          X509Svids.of(
              domain.issue(ORDERS, IssueOptions.DEFAULT.timeToLive(Duration.ofHours(1 + i)))));
    }

    assertThat(source.asked).isEmpty();
  }

  @Test
  void aRuntimeAsksAgainWhenItsStreamHasGoneSilentWithoutAnEnd() {
    try (Shop shop = new Shop()) {
      TestWorkloadApi agent = shop.mesh.workload(shop.orders);
      // No earlier than the SVID, which is not valid yet by a clock that stands before it.
      SettableClock now = new SettableClock(Instant.now());
      MeshRuntime orders = shop.ordersRuntime(builder -> builder.clock(now));
      X509Svid before = orders.svid();
      agent.fallSilent();
      assertThat(agent.calls().fetchX509Svid()).isEqualTo(1);

      now.advance(orders.svid().lifetime().multipliedBy(3).dividedBy(4));
      Eventually.await("a second stream", () -> agent.calls().fetchX509Svid() == 2);
      agent.rotate();
      agent.resume();

      Eventually.await("another SVID", () -> !orders.svid().leaf().equals(before.leaf()));
    }
  }

  private void issue(X509Svid issued) {
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(issued, Map.of(domain.name(), X509Svids.bundle(domain)), 1)));
  }

  /** Looks every ten seconds. */
  private void observeUntil(Instant end) {
    while (clock.instant().isBefore(end)) {
      watchdog.observe(own.state());
      clock.advance(Duration.ofSeconds(10));
    }
  }

  /** Knows when it was asked again. */
  private static final class CountedSource implements IdentitySource {
    private final SettableClock clock;
    private final List<Instant> asked = new ArrayList<>();

    CountedSource(SettableClock clock) {
      this.clock = clock;
    }

    @Override
    public void watch(Consumer<IdentityUpdate> listener) {}

    @Override
    public void refresh() {
      asked.add(clock.instant());
    }

    @Override
    public long opened() {
      return 1L + asked.size();
    }

    @Override
    public String whatToCheck() {
      return "nothing";
    }

    @Override
    public void close() {}
  }
}
