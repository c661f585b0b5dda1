package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.SvidLifecycle.Change;
import io.meshward.schemas.TlsHandshake;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A workload that is held itself: it neither serves nor dials, and says by which containment. */
class OwnQuarantineTest {
  private static final String HELD = "own identity is quarantined by containment containment-1";

  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aServerThatIsHeldServesNobodyUntilItIsReleased() throws Exception {
    MeshRuntime orders = shop.ordersRuntime();
    Server server = shop.serve(orders);
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    Chat chat = Chat.open(channel);
    assertThat(chat.say("hello")).contains("frontend");

    QuarantineKey hold = shop.serverHolds.place(Subject.of(shop.orders), "containment-1");

    assertThat(chat.end()).as("what is in flight").isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(orders.status().open()).isFalse();
    assertThat(orders.status().closedBecause()).contains(HELD);
    Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().outcome()).isEqualTo(Outcome.APPLIED);
    assertThat(report.enforcement().connectionsCut()).isEqualTo(1);
    assertThat(failure(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    shop.serverEvents.await(
        TlsHandshake.class, event -> "own_quarantined".equals(event.tls().detail()));
    assertThat(awaitChange(shop.serverEvents, Change.QUARANTINED).svid().error()).isEqualTo(HELD);

    shop.serverHolds.release(hold);

    channel.resetConnectBackoff();
    Eventually.await("a call after the release", () -> answers(channel));
    assertThat(orders.status().open()).isTrue();
    assertThat(awaitChange(shop.serverEvents, Change.RELEASED).svid().error())
        .isEqualTo("released by containment containment-1");
    assertThat(shop.serverEvents.of(SvidLifecycle.class))
        .as("once")
        .filteredOn(event -> event.svid().change() == Change.QUARANTINED)
        .hasSize(1);
  }

  @Test
  void aClientThatIsHeldDialsNobodyAndSaysSoAtOnceUntilItHasANewerSvid() throws Exception {
    MeshRuntime frontend = shop.frontendRuntime();
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(frontend, server);
    assertThat(Echo.call(channel, "before")).contains("frontend");
    Instant cutoff = frontend.svid().notBefore().plusSeconds(1);

    shop.clientHolds.place(
        new Hold(
            new QuarantineKey(Subject.of(shop.frontend), "containment-1"),
            Instant.now(),
            null,
            cutoff));

    Status refusal = failure(channel);
    assertThat(refusal.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(refusal.getDescription()).isEqualTo(HELD);
    assertThat(frontend.status().closedBecause()).contains(HELD);
    assertThat(frontend.status().quarantinedBy()).isEqualTo("containment-1");
    Eventually.await("the cut", () -> frontend.status().connections() == 0);
    assertThatThrownBy(() -> kafkaEngine(frontend)).hasMessage(HELD);

    Eventually.await("the second of the cutoff", () -> !Instant.now().isBefore(cutoff));
    shop.mesh.workload(shop.frontend).rotate();
    Eventually.await("the SVID of since", () -> frontend.status().open());
    channel.resetConnectBackoff();
    Eventually.await("a call with the rotated SVID", () -> answers(channel));
  }

  @Test
  void aWorkloadThatIsHeldWhenItStartsStartsClosedAndSaysWhy() {
    shop.serverHolds.place(Subject.of(shop.orders), "containment-1");
    MeshRuntime orders = shop.ordersRuntime();

    assertThat(orders.status().closedBecause()).contains(HELD);
    assertThat(shop.serverEvents.of(SvidLifecycle.class))
        .anyMatch(event -> event.svid().change() == Change.QUARANTINED);
  }

  @Test
  void aProtectedWorkloadServesWhateverHoldsSayOfIt() {
    MeshRuntime orders =
        shop.ordersRuntime(builder -> builder.protectedIdentities(shop.orders.toString()));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), shop.serve(orders));
    shop.serverHolds.place(Subject.of(shop.orders), "containment-1");

    assertThat(Echo.call(channel, "hello")).contains("frontend");
    assertThat(orders.status().open()).isTrue();
    Enforcement report = shop.serverEvents.await(Enforcement.class, event -> true);
    assertThat(report.enforcement().outcome()).isEqualTo(Outcome.REFUSED_PROTECTED);
  }

  private static Object kafkaEngine(MeshRuntime runtime) {
    Map<String, Object> properties = runtime.kafkaClient("spiffe://shop.test/ns/kafka/*");
    try (MeshSslEngineFactory factory = new MeshSslEngineFactory()) {
      factory.configure(properties);
      return factory.createClientSslEngine("127.0.0.1", 9092, "");
    }
  }

  /** It is looked for once a second. */
  private static SvidLifecycle awaitChange(RecordingSink events, Change change) {
    Eventually.await(
        () -> "the event " + change,
        Duration.ofSeconds(30),
        () ->
            events.of(SvidLifecycle.class).stream()
                .anyMatch(event -> event.svid().change() == change));
    return events.await(SvidLifecycle.class, event -> event.svid().change() == change);
  }

  private static boolean answers(ManagedChannel channel) {
    try {
      return Echo.call(channel, "hello").contains("frontend");
    } catch (StatusRuntimeException e) {
      channel.resetConnectBackoff();
      return false;
    }
  }

  private static Status failure(ManagedChannel channel) {
    return catchThrowableOfType(StatusRuntimeException.class, () -> Echo.call(channel, "let me in"))
        .getStatus();
  }
}
