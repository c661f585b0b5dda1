package io.meshward.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.examples.shop.ChargeRequest;
import io.meshward.examples.shop.PaymentGrpc;
import io.meshward.runtime.EventClass;
import io.meshward.runtime.EventSink;
import io.meshward.runtime.Hold;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.QuarantineSource;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.testkit.MeshExtension;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What a service that embeds the mesh can test of its own place in it, without SPIRE or Kafka. */
class PaymentMeshTest {
  private static final String PAYMENT = "/ns/shop/sa/payment";
  private static final String ORDERS = "/ns/shop/sa/orders";
  private static final String FRONTEND = "/ns/shop/sa/frontend";
  private static final String RESELLER = "/ns/sales/sa/reseller";

  @RegisterExtension final MeshExtension mesh = MeshExtension.of("shop.test");
  @RegisterExtension final MeshExtension partner = MeshExtension.of("partner.test");

  @TempDir private Path directory;
  private final Held held = new Held();
  private final Reported reported = new Reported();
  private @Nullable MeshRuntime payment;
  private int port;

  @BeforeEach
  void serve() throws IOException {
    Path policy =
        Files.writeString(
            directory.resolve("policy.json"),
            """
            {"name": "payment", "allow_rules": [{
              "name": "charges",
              "source": {"principals": ["%s", "%s"]},
              "request": {"paths": ["/meshward.examples.shop.v1.Payment/Charge"]}}]}
            """
                .formatted(mesh.id(ORDERS), partner.id(RESELLER)),
            UTF_8);
    payment =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor(PAYMENT))
                .policy(policy)
                .events(reported)
                .quarantine(held)
                .start());
    Server server = payment.serverBuilder(0).addService(new PaymentService()).build().start();
    mesh.closing(server::shutdownNow);
    port = server.getPort();
  }

  @Test
  void chargesForOrdersAndForNobodyElse() {
    assertThat(charge(channel(mesh, ORDERS))).endsWith("for " + mesh.id(ORDERS));

    assertThat(refusal(channel(mesh, FRONTEND))).isEqualTo(Status.Code.PERMISSION_DENIED);

    await("the report of it", () -> reported.denied(mesh.id(FRONTEND)));
  }

  @Test
  void callersDoNotNoticeThatSvidsRotate() {
    ManagedChannel channel = channel(mesh, ORDERS);
    String before = requireNonNull(payment).svid().leaf().getSerialNumber().toString();
    assertThat(charge(channel)).contains("for");

    mesh.workload(PAYMENT).rotate();
    mesh.workload(ORDERS).rotate();

    await(
        "the next SVID",
        () -> !requireNonNull(payment).svid().leaf().getSerialNumber().toString().equals(before));
    assertThat(charge(channel)).contains("for");
    assertThat(charge(channel(mesh, ORDERS))).contains("for");
  }

  @Test
  void aCallerThatIsHeldIsRefusedUntilItIsReleased() {
    ManagedChannel channel = channel(mesh, ORDERS);
    assertThat(charge(channel)).contains("for");

    held.hold(Hold.ofUnreadable(new QuarantineKey(Subject.of(mesh.id(ORDERS)), "test")));

    await("the refusal", () -> refused(channel));
    assertThat(refused(channel(mesh, ORDERS))).isTrue();

    held.hold();

    assertThat(charge(channel(mesh, ORDERS))).contains("for");
  }

  @Test
  void aPartnerIsServedAsLongAsItsTrustDomainIsFederated() {
    assertThat(refused(channel(partner, RESELLER))).isTrue();

    mesh.trustDomain().federateWith(partner.trustDomain());
    partner.trustDomain().federateWith(mesh.trustDomain());

    ManagedChannel channel = channel(partner, RESELLER);
    await("the partner's bundle", () -> !refused(channel));
    assertThat(charge(channel)).endsWith("for " + partner.id(RESELLER));

    mesh.trustDomain().stopFederatingWith(partner.trustDomain());

    await("the end of the federation", () -> refused(channel));
  }

  @Test
  void withoutAnIdentityItServesNobodyAndWithAnAgentThatFailsItGoesOn() {
    ManagedChannel channel = channel(mesh, ORDERS);
    mesh.workload(PAYMENT).failWith(Status.UNAVAILABLE);
    assertThat(charge(channel)).contains("for");

    mesh.workload(PAYMENT).redact();

    await("the withdrawal", () -> !requireNonNull(payment).status().open());
    assertThat(refused(channel)).isTrue();

    mesh.workload(PAYMENT).resume();

    await("the next SVID", () -> requireNonNull(payment).status().open());
    assertThat(charge(channel(mesh, ORDERS))).contains("for");
  }

  /** To payment, as a workload. */
  private ManagedChannel channel(MeshExtension of, String path) {
    MeshRuntime caller =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(of.addressFor(path))
                .withoutEvents()
                .withoutQuarantine()
                .start());
    ManagedChannel channel =
        caller.channelBuilder("dns:///localhost:" + port, mesh.id(PAYMENT)).build();
    mesh.closing(channel::shutdownNow);
    return channel;
  }

  private static String charge(ManagedChannel channel) {
    return PaymentGrpc.newBlockingStub(channel)
        .withDeadlineAfter(1, TimeUnit.MINUTES)
        .charge(ChargeRequest.newBuilder().setAmountCents(450).build())
        .getReceipt();
  }

  private static Status.@Nullable Code refusal(ManagedChannel channel) {
    // A channel waits before it tries again, for longer each time.
    channel.resetConnectBackoff();
    try {
      String _ = charge(channel);
      return null;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  /** Whether a call is refused, or its connection. */
  private static boolean refused(ManagedChannel channel) {
    Status.Code code = refusal(channel);
    return code == Status.Code.PERMISSION_DENIED || code == Status.Code.UNAVAILABLE;
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("awaiting " + what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Holds as a test wants them. */
  private static final class Held implements QuarantineSource {
    private @Nullable Listener listener;

    void hold(Hold... holds) {
      requireNonNull(listener).holds(List.of(holds));
    }

    @Override
    public void watch(Listener heard) {
      listener = heard;
      hold();
    }

    @Override
    public long ageMs() {
      return 0;
    }

    @Override
    public void close() {}
  }

  /** What the service reports. */
  private static final class Reported implements EventSink {
    private final Queue<Event> events = new ConcurrentLinkedQueue<>();

    boolean denied(SpiffeId caller) {
      return events.stream()
          .anyMatch(
              event ->
                  event instanceof AuthzDecision decision
                      && decision.authz().decision() == AuthzDecision.Decision.DENY
                      && caller.equals(decision.peer().id()));
    }

    @Override
    public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
      return events.add(event.data());
    }

    @Override
    public long dropped(EventClass eventClass) {
      return 0;
    }

    @Override
    public void close() {}
  }
}
