package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MINUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.WorkloadEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RotationTest {
  /** Within what a connection is gone on a machine that has much else to do. */
  private static final Duration CUT = Duration.ofSeconds(10);

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void noCallFailsWhileSvidsAndAuthoritiesRotateUnderLoad() throws InterruptedException {
    Instant end = serve(Duration.ofSeconds(12));
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong calls = new AtomicLong();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> callers =
        IntStream.range(0, 8)
            .mapToObj(
                caller ->
                    Thread.ofVirtual()
                        .start(
                            () -> {
                              while (!stop.get()) {
                                try {
                                  Echo.call(channel, "hello");
                                  calls.incrementAndGet();
                                } catch (RuntimeException e) {
                                  failures.add(e);
                                }
                              }
                            }))
            .toList();

    TestTrustDomain domain = shop.mesh.trustDomain();
    domain.prepareX509Authority();
    awaitChanges(Change.BUNDLE_CHANGED, 1);
    domain.activateX509Authority();
    serve(Duration.ofHours(1));
    awaitChanges(Change.ROTATED, 1);
    rotate(2);
    rotate(3);
    Eventually.await("the first SVIDs are over", () -> Instant.now().isAfter(end));
    awaitCalls(calls);
    // Now no connection rests on the first authority any more.
    domain.retireX509Authorities();
    awaitChanges(Change.BUNDLE_CHANGED, 2);
    rotate(4);
    awaitCalls(calls);
    stop.set(true);
    for (Thread caller : callers) {
      caller.join(Duration.ofMinutes(1));
    }

    assertThat(failures).isEmpty();
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSizeGreaterThan(1);
    assertThat(shop.serverEvents.of(SvidLifecycle.class))
        .filteredOn(event -> event.svid().change() == Change.ROTATED)
        .hasSize(4)
        .allSatisfy(event -> assertThat(event.svid().agePercent()).isBetween(0, 100));
    assertThat(shop.serverEvents.of(SvidLifecycle.class))
        .filteredOn(event -> event.svid().change() == Change.BUNDLE_CHANGED)
        .hasSizeGreaterThanOrEqualTo(2)
        .anySatisfy(event -> assertThat(event.svid().addedKeys()).hasSize(1))
        .anySatisfy(event -> assertThat(event.svid().removedKeys()).hasSize(1));
  }

  @Test
  void noCallFailsInTwoHundredRotations() throws InterruptedException {
    serve(Duration.ofHours(1));
    Server server = shop.serve(shop.ordersRuntime());
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel kept = shop.dial(frontend, server);
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong calls = new AtomicLong();
    AtomicLong handshakes = new AtomicLong();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    // Ten a hundred times a second, as far as the machine can; one more shakes hands all the time.
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      callers.add(repeat(stop, failures, () -> call(kept, calls, Duration.ofMillis(10))));
    }
    callers.add(
        repeat(
            stop,
            failures,
            () -> {
              ManagedChannel fresh =
                  frontend.channelBuilder(Shop.target(server), shop.orders).build();
              try {
                call(fresh, handshakes, Duration.ZERO);
              } finally {
                fresh.shutdownNow();
              }
            }));

    for (int i = 1; i <= 200; i++) {
      rotate(i);
    }
    awaitCalls(calls);
    Eventually.await("enough of both", () -> calls.get() > 1_000 && handshakes.get() > 10);
    stop.set(true);
    for (Thread caller : callers) {
      caller.join(Duration.ofMinutes(1));
    }

    assertThat(failures).isEmpty();
    assertThat(calls).hasValueGreaterThan(1_000);
    assertThat(handshakes).hasValueGreaterThan(10);
  }

  private static Thread repeat(AtomicBoolean stop, Queue<Throwable> failures, Runnable work) {
    return Thread.ofVirtual()
        .start(
            () -> {
              while (!stop.get()) {
                try {
                  work.run();
                } catch (RuntimeException e) {
                  failures.add(e);
                }
              }
            });
  }

  private static void call(ManagedChannel channel, AtomicLong calls, Duration pause) {
    Echo.call(channel, "hello");
    calls.incrementAndGet();
    LockSupport.parkNanos(pause.toNanos());
  }

  /** Has both sides given SVIDs of some life, and says when the last of them is over. */
  private Instant serve(Duration life) {
    List<IssuedSvid> issued = new ArrayList<>();
    for (SpiffeId id : List.of(shop.orders, shop.frontend)) {
      shop.mesh.workload(id).serve(WorkloadEntry.of(id).timeToLive(life));
      issued.addAll(shop.mesh.workload(id).svids());
    }
    return issued.stream().map(IssuedSvid::notAfter).max(Instant::compareTo).orElseThrow();
  }

  /** Rotates both sides for the n-th time. */
  private void rotate(int times) {
    shop.mesh.workload(shop.orders).rotate();
    shop.mesh.workload(shop.frontend).rotate();
    awaitChanges(Change.ROTATED, times);
  }

  private void awaitChanges(Change change, int times) {
    for (RecordingSink events : List.of(shop.serverEvents, shop.clientEvents)) {
      Eventually.await(
          change + " is seen on both sides " + times + " times",
          () ->
              events.of(SvidLifecycle.class).stream()
                      .filter(event -> event.svid().change() == change)
                      .count()
                  >= times);
    }
  }

  private static void awaitCalls(AtomicLong calls) {
    long before = calls.get();
    Eventually.await("calls go on", () -> calls.get() > before + 500);
  }

  @Test
  void aConnectionEndsWithTheSvidOfItsPeerAndThatNeverComesBack() throws Exception {
    Server server = shop.serve(shop.ordersRuntime());
    IssuedSvid stolen =
        shop.mesh
            .trustDomain()
            .issue(shop.frontend, IssueOptions.DEFAULT.timeToLive(Duration.ofSeconds(4)));
    ManagedChannel thief = Attacker.dial(server.getPort(), stolen);
    try {
      Chat chat = Chat.open(thief);
      assertThat(chat.say("hello")).contains("frontend");
      Future<Instant> end = endOf(chat);

      assertThat(lastServed(thief, stolen.notAfter())).isBeforeOrEqualTo(stolen.notAfter());
      assertThat(end.get(1, MINUTES))
          .as("it lives as long as the SVID")
          .isBetween(stolen.notAfter(), stolen.notAfter().plus(CUT));
      assertThat(failure(thief)).isEqualTo(Status.Code.UNAVAILABLE);
    } finally {
      thief.shutdownNow();
    }
    TlsHandshake refused =
        shop.serverEvents.await(
            TlsHandshake.class, event -> event.tls().result() == Result.CERTIFICATE_EXPIRED);
    assertThat(refused.tls().skewMs()).isPositive();
  }

  @Test
  void callsEndWithTheSvidWhileTheAgentIsGoneAndGoOnWhenItIsBack() throws Exception {
    MeshRuntime orders = shop.ordersRuntime();
    Server server = shop.serve(orders);
    shop.mesh
        .workload(shop.frontend)
        .serve(WorkloadEntry.of(shop.frontend).timeToLive(Duration.ofSeconds(4)));
    Instant notAfter = shop.mesh.workload(shop.frontend).svids().get(0).notAfter();
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, server);
    ManagedChannel back = shop.dial(orders, shop.serve(frontend), shop.frontend);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    shop.mesh.workload(shop.frontend).stop();
    Future<Instant> end = endOf(chat);

    assertThat(lastServed(channel, notAfter)).isBeforeOrEqualTo(notAfter);
    assertThat(end.get(1, MINUTES)).isBetween(notAfter, notAfter.plus(CUT));
    Eventually.await("expiry", () -> frontend.status().identity() instanceof RuntimeState.Expired);
    assertThat(frontend.status().open()).isFalse();
    StatusRuntimeException dialled =
        catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "hi"));
    assertThat(dialled.getStatus().getDescription()).contains("no valid SVID");
    assertThat(failure(back)).isEqualTo(Status.Code.UNAVAILABLE);
    shop.clientEvents.await(
        TlsHandshake.class, event -> "own_svid_unavailable".equals(event.tls().detail()));
    shop.clientEvents.await(SvidLifecycle.class, event -> event.svid().change() == Change.EXPIRED);

    shop.mesh.workload(shop.frontend).serve(WorkloadEntry.of(shop.frontend));
    assertThat(frontend.status().open()).as("before the agent is back").isFalse();
    shop.mesh.workload(shop.frontend).restart();
    Eventually.await("a new SVID", () -> frontend.status().open());
    assertThat(Echo.call(channel, "hello")).contains("frontend");
    // It has no policy, which is what callers hear that are let in.
    Eventually.await(
        "it serves again",
        () -> {
          back.resetConnectBackoff();
          return failure(back) == Status.Code.PERMISSION_DENIED;
        });
  }

  @Test
  void saysThatNoNewSvidComesBeforeTheOldOneEnds() {
    SettableClock clock = new SettableClock(Instant.now());
    MeshRuntime frontend = shop.frontendRuntime(builder -> builder.clock(clock));
    X509Svid svid = frontend.svid();
    clock.set(svid.notAfter().minus(svid.lifetime().dividedBy(10)));

    SvidLifecycle stalled =
        shop.clientEvents.await(
            SvidLifecycle.class, event -> event.svid().change() == Change.STALLED);

    assertThat(stalled.svid().notAfter()).isEqualTo(frontend.svid().notAfter());
    assertThat(frontend.status().identity()).isInstanceOf(RuntimeState.Stale.class);
    assertThat(frontend.status().open()).isTrue();
  }

  @Test
  void stopsUsingAnSvidThatIsWithdrawnAndGoesOnWithTheNextOne() {
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, shop.serve(shop.ordersRuntime()));
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    shop.mesh.workload(shop.frontend).redact();

    assertThat(chat.end()).isNotEqualTo(Status.Code.OK);
    assertThat(failure(channel)).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(frontend.status().identity()).isInstanceOf(RuntimeState.Withdrawn.class);
    shop.clientEvents.await(
        SvidLifecycle.class, event -> event.svid().change() == Change.WITHDRAWN);

    shop.mesh.workload(shop.frontend).resume();
    Eventually.await("an SVID again", () -> frontend.status().open());
    channel.resetConnectBackoff();
    assertThat(Echo.call(channel, "hello")).contains("frontend");
  }

  @Test
  void judgesLiveConnectionsAgainWhenAnAuthorityIsRetired() {
    MeshRuntime orders = shop.ordersRuntime();
    Server server = shop.serve(orders);
    IssuedSvid old = shop.mesh.trustDomain().issue(shop.frontend);
    ManagedChannel peer = Attacker.dial(server.getPort(), old);
    try {
      assertThat(Echo.call(peer, "hello")).contains("frontend");
      TestTrustDomain domain = shop.mesh.trustDomain();
      domain.prepareX509Authority();
      domain.activateX509Authority();
      awaitAuthorities(orders);
      Chat chat = Chat.open(peer);
      assertThat(chat.say("hello")).contains("frontend");

      shop.mesh.workload(shop.orders).rotate();
      domain.retireX509Authorities();
      awaitAuthorities(orders);

      assertThat(chat.end()).isNotEqualTo(Status.Code.OK);
      assertThat(failure(peer)).isEqualTo(Status.Code.UNAVAILABLE);
    } finally {
      peer.shutdownNow();
    }
  }

  private void awaitAuthorities(MeshRuntime runtime) {
    TestTrustDomain domain = shop.mesh.trustDomain();
    TrustBundle now = new TrustBundle(domain.name(), domain.x509Authorities());
    Eventually.await(
        "the bundle of now", () -> now.equals(runtime.identity().bundles().get(domain.name())));
  }

  /** When the last call that was served began, of all up to an instant and one after it. */
  private static Instant lastServed(ManagedChannel channel, Instant until) {
    Instant last = Instant.MIN;
    Instant begun = Instant.now();
    while (!begun.isAfter(until.plusMillis(50))) {
      begun = Instant.now();
      try {
        Echo.call(channel, "hello");
        last = begun;
      } catch (StatusRuntimeException e) {
        channel.resetConnectBackoff();
      }
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(last).as("calls are served").isAfter(Instant.MIN);
    return last;
  }

  /** When a call ends, which must not be in good order. */
  private static Future<Instant> endOf(Chat chat) {
    FutureTask<Instant> end =
        new FutureTask<>(
            () -> {
              assertThat(chat.end()).isNotEqualTo(Status.Code.OK);
              return Instant.now();
            });
    Thread.ofVirtual().start(end);
    return end;
  }

  private static Status.Code failure(ManagedChannel channel) {
    Status.Code code =
        catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "let me in"))
            .getStatus()
            .getCode();
    return code == Status.Code.UNKNOWN ? failure(channel) : code;
  }
}
