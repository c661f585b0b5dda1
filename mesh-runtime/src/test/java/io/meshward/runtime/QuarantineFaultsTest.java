package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Faults of others on the thread that applies holds: each stays where it came from. */
class QuarantineFaultsTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void anOwnerThatFailsKeepsNoOtherConnectionOpenAndNoLaterHoldAway() throws Exception {
    MeshRuntime orders = shop.ordersRuntime();
    MeshRuntime frontend = shop.frontendRuntime();
    AtomicInteger told = new AtomicInteger();
    List<SSLEngine> served = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      served.add(connect(orders, frontend, told::incrementAndGet));
      served.add(
          connect(
              orders,
              frontend,
              () -> {
                throw new IllegalStateException("the owner fails");
              }));
    }

    QuarantineKey first = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

    assertThat(told).hasValue(5);
    assertThat(orders.status().connections()).isZero();
    assertThat(served).allMatch(QuarantineFaultsTest::isCut);
    assertThat(report("containment-1").connectionsCut()).isEqualTo(10);

    shop.serverHolds.release(first);
    SSLEngine another = connect(orders, frontend, told::incrementAndGet);
    shop.serverHolds.place(Subject.of(shop.frontend), "containment-2");

    assertThat(told).hasValue(6);
    assertThat(isCut(another)).isTrue();
    assertThat(report("containment-2").connectionsCut()).isEqualTo(1);
  }

  @Test
  void aHoldThatEndsBeyondAllTimersIsAHoldAndSoIsTheNext() throws Exception {
    MeshRuntime orders = shop.ordersRuntime();
    MeshRuntime frontend = shop.frontendRuntime();
    SSLEngine served = connect(orders, frontend, () -> {});

    shop.serverHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            Instant.now(),
            Instant.MAX,
            null));

    assertThat(isCut(served)).isTrue();
    assertThat(report("containment-1").outcome()).isEqualTo(Outcome.APPLIED);
    shop.serverHolds.place(Subject.of(shop.orders), "containment-2");
    assertThat(report("containment-2").outcome()).isEqualTo(Outcome.APPLIED);
  }

  @Test
  void aSinkThatFailsKeepsNoHoldAwayAndItsEventsCountAsDropped() throws Exception {
    MeshRuntime orders = shop.ordersRuntime(builder -> builder.events(new FailingSink()));
    MeshRuntime frontend = shop.frontendRuntime();
    SSLEngine served = connect(orders, frontend, () -> {});

    shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");

    assertThat(isCut(served)).isTrue();
    Eventually.await(
        "the report that the sink failed to take",
        () -> Long.valueOf(1).equals(orders.status().dropped().get(EventClass.ENFORCEMENT)));
  }

  private Enforcement.Applied report(String containment) {
    return shop.serverEvents
        .await(Enforcement.class, event -> event.enforcement().containment().equals(containment))
        .enforcement();
  }

  /** The server's side of a new connection. */
  private SSLEngine connect(MeshRuntime orders, MeshRuntime frontend, Runnable whenCut)
      throws SSLException {
    SSLEngine server = orders.tls().serverEngine("127.0.0.1", 4711, whenCut);
    SSLEngine client = frontend.tls().clientEngine("127.0.0.1", 8443, shop.orders::equals);
    Engines.shakeHands(client, server);
    return server;
  }

  private static boolean isCut(SSLEngine engine) {
    try {
      engine.wrap(ByteBuffer.wrap(new byte[] {1}), ByteBuffer.allocate(32 * 1024));
      return false;
    } catch (SSLException e) {
      return true;
    }
  }

  /** Takes nothing. */
  private static final class FailingSink implements EventSink {
    @Override
    public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
      throw new IllegalStateException("the sink fails");
    }

    @Override
    public long dropped(EventClass eventClass) {
      return 0;
    }

    @Override
    public void close() {}
  }
}
