package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import io.meshward.schemas.TlsHandshake.Result;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.WorkloadEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RotationTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void noCallFailsWhileSvidsAndAuthoritiesRotateUnderLoad() throws InterruptedException {
    Duration life = Duration.ofSeconds(4);
    shop.mesh.workload(shop.orders).serve(WorkloadEntry.of(shop.orders).timeToLive(life));
    shop.mesh.workload(shop.frontend).serve(WorkloadEntry.of(shop.frontend).timeToLive(life));
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
    rotateAndOutlive(life);
    domain.prepareX509Authority();
    domain.activateX509Authority();
    rotateAndOutlive(life);
    rotateAndOutlive(life);
    domain.retireX509Authorities();
    rotateAndOutlive(life);
    stop.set(true);
    for (Thread caller : callers) {
      caller.join(Duration.ofSeconds(10));
    }

    assertThat(failures).isEmpty();
    assertThat(calls.get()).isGreaterThan(1_000);
    assertThat(shop.serverEvents.of(TlsHandshake.class)).hasSizeGreaterThan(2);
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

  /** Rotates both sides, then waits for half the life of an SVID. */
  private void rotateAndOutlive(Duration life) {
    IssuedSvid rotated = shop.mesh.workload(shop.orders).rotate().get(0);
    shop.mesh.workload(shop.frontend).rotate();
    Instant half = rotated.notBefore().plus(life.dividedBy(2));
    Eventually.await("half a life", () -> Instant.now().isAfter(half));
  }

  @Test
  void aConnectionEndsWithTheSvidOfItsPeerAndThatNeverComesBack() {
    Server server = shop.serve(shop.ordersRuntime());
    IssuedSvid stolen =
        shop.mesh
            .trustDomain()
            .issue(shop.frontend, IssueOptions.DEFAULT.timeToLive(Duration.ofSeconds(2)));
    ManagedChannel thief = Attacker.dial(server.getPort(), stolen);
    try {
      Chat chat = Chat.open(thief);
      assertThat(chat.say("hello")).contains("frontend");

      assertThat(chat.end()).isNotEqualTo(Status.Code.OK);
      assertThat(Duration.between(stolen.notAfter(), Instant.now()))
          .isLessThan(Duration.ofSeconds(1));
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
  void neitherServesNorDialsWithAnExpiredSvid() {
    MeshRuntime orders = shop.ordersRuntime();
    Server server = shop.serve(orders);
    shop.mesh
        .workload(shop.frontend)
        .serve(WorkloadEntry.of(shop.frontend).timeToLive(Duration.ofSeconds(3)));
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, server);
    ManagedChannel back = shop.dial(orders, shop.serve(frontend), shop.frontend);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    assertThat(chat.end()).isNotEqualTo(Status.Code.OK);
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
    Eventually.await("a new SVID", () -> frontend.status().open());
    assertThat(Echo.call(channel, "hello")).contains("frontend");
  }

  @Test
  void saysThatNoNewSvidComesBeforeTheOldOneEnds() {
    shop.mesh
        .workload(shop.frontend)
        .serve(WorkloadEntry.of(shop.frontend).timeToLive(Duration.ofSeconds(6)));
    MeshRuntime frontend = shop.frontendRuntime();

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

  private static Status.Code failure(ManagedChannel channel) {
    Status.Code code =
        catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "let me in"))
            .getStatus()
            .getCode();
    return code == Status.Code.UNKNOWN ? failure(channel) : code;
  }
}
