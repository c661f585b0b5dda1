package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class LifecycleEventsTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final LossySink sink = new LossySink();
  private final LifecycleEvents lifecycle =
      new LifecycleEvents(
          new EventReporter(sink, Clock.systemUTC(), () -> ORDERS, null, null, "i"),
          new NoIdentity(),
          Clock.systemUTC());

  @Test
  void reportsDropsOnceByTheirNumberAndClass() {
    lifecycle.reportDrops(sink);
    assertThat(sink.taken).isEmpty();

    sink.drops = 7;
    lifecycle.reportDrops(sink);
    lifecycle.reportDrops(sink);
    sink.drops = 9;
    lifecycle.reportDrops(sink);

    assertThat(sink.taken).extracting(event -> event.svid().dropped()).containsExactly(7L, 2L);
    assertThat(sink.taken)
        .allSatisfy(
            event -> {
              assertThat(event.svid().change()).isEqualTo(Change.EVENTS_DROPPED);
              assertThat(event.svid().droppedClass()).isEqualTo("handshake");
            });
  }

  @Test
  void reportsDropsLaterIfThatReportIsDroppedItself() {
    sink.drops = 7;
    sink.full = true;
    lifecycle.reportDrops(sink);
    sink.full = false;

    lifecycle.reportDrops(sink);

    assertThat(sink.taken).extracting(event -> event.svid().dropped()).containsExactly(7L);
  }

  @Test
  void anSvidThatIsReplacedByHandDoesNotStall() {
    IssuedSvid issued = TestTrustDomain.create("shop.test").issue(ORDERS);
    RuntimeState stale =
        new RuntimeState.Stale(
            new X509Svid(ORDERS, issued.certificates(), issued.privateKey(), null), "late");

    lifecycle.observe(stale, false);
    assertThat(sink.taken).isEmpty();

    lifecycle.observe(new RuntimeState.Starting(""), true);
    lifecycle.observe(stale, true);
    assertThat(sink.taken)
        .extracting(event -> event.svid().change())
        .containsExactly(Change.STALLED);
  }

  @Test
  void anSvidThatIsOverIsNamed() {
    IssuedSvid issued = TestTrustDomain.create("shop.test").issue(ORDERS);
    X509Svid svid = new X509Svid(ORDERS, issued.certificates(), issued.privateKey(), null);
    lifecycle.identityChanged(
        null, new IdentityUpdate.Issued(new WorkloadIdentity(svid, Map.of(), 1)));

    lifecycle.observe(new RuntimeState.Expired(svid.notAfter()), true);

    SvidLifecycle.Svid told = sink.taken.getLast().svid();
    assertThat(told.change()).isEqualTo(Change.EXPIRED);
    assertThat(told.serial()).isEqualTo(Certificates.serial(svid.leaf()));
    assertThat(told.spkiSha256()).isEqualTo(Certificates.keyHash(svid.leaf()));
    assertThat(told.notAfter()).isEqualTo(svid.notAfter());
    assertThat(told.trustDomain()).isEqualTo(ORDERS.trustDomain());
  }

  /** Has dropped as many handshakes as it is told. */
  private static final class LossySink implements EventSink {
    private final List<SvidLifecycle> taken = new ArrayList<>();
    private long drops;
    private boolean full;

    @Override
    public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
      return !full && taken.add((SvidLifecycle) event.data());
    }

    @Override
    public long dropped(EventClass eventClass) {
      return eventClass == EventClass.HANDSHAKE ? drops : 0;
    }

    @Override
    public void close() {}
  }

  private static final class NoIdentity implements IdentitySource {
    @Override
    public void refresh() {}

    @Override
    public String whatToCheck() {
      return "nothing";
    }

    @Override
    public void watch(Consumer<IdentityUpdate> listener) {}

    @Override
    public long opened() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
