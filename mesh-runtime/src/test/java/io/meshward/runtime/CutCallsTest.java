package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.WorkloadEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a caller is told of its call in flight when this side of the connection cuts it. */
class CutCallsTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void thatItsOwnIdentityIsHeld() {
    InFlight call = call(shop.frontendRuntime(), shop.serve(shop.ordersRuntime()));

    shop.clientHolds.place(Subject.of(shop.frontend), "containment-1");

    assertThat(call.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(call.end().getDescription())
        .isEqualTo("own identity is quarantined by containment containment-1");
    assertThat(shop.clientEvents.of(AuthzDecision.class)).as("the peer broke no rule").isEmpty();
  }

  @Test
  void thatTheServerIsHeld() {
    InFlight call = call(shop.frontendRuntime(), shop.serve(shop.ordersRuntime()));

    shop.clientHolds.place(Subject.of(shop.orders), "containment-1");

    assertThat(call.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(call.end().getDescription())
        .isEqualTo("the peer is refused: held by containment containment-1");
  }

  @Test
  void thatTheSvidIsWithdrawn() {
    InFlight call = call(shop.frontendRuntime(), shop.serve(shop.ordersRuntime()));

    shop.mesh.workload(shop.frontend).redact();

    assertThat(call.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(call.end().getDescription()).startsWith("the SVID was withdrawn: ");
  }

  @Test
  void thatTheServersAuthorityIsTrustedNoMore() {
    MeshRuntime frontend = shop.frontendRuntime();
    Server server = careless();
    shop.mesh.trustDomain().prepareX509Authority();
    shop.mesh.trustDomain().activateX509Authority();
    IssuedSvid rotated = shop.mesh.workload(shop.frontend).rotate().get(0);
    Eventually.await("the next SVID", () -> frontend.svid().leaf().equals(rotated.leaf()));
    InFlight call = call(frontend, server);

    shop.mesh.trustDomain().retireX509Authorities();

    assertThat(call.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(call.end().getDescription())
        .isEqualTo("the peer is refused: no authority of shop.test signed it");
  }

  @Test
  void thatTheRuntimeIsClosed() {
    MeshRuntime frontend = shop.frontendRuntime();
    InFlight call = call(frontend, shop.serve(shop.ordersRuntime()));

    frontend.close();

    assertThat(call.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(call.end().getDescription()).isEqualTo("the mesh runtime is closed");
  }

  /** Drained before, and cut at the very end; with less than two seconds left it is not drained. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void thatItsSvidIsOver(int seconds) {
    MeshRuntime frontend = shop.frontendRuntime();
    Server server = careless();
    WorkloadEntry brief = WorkloadEntry.of(shop.frontend).timeToLive(Duration.ofSeconds(seconds));
    AtomicReference<InFlight> begun = new AtomicReference<>();

    Eventually.await("a call within an SVID's time", () -> begins(frontend, server, brief, begun));
    InFlight call = begun.get();
    Instant notAfter = shop.mesh.workload(shop.frontend).svids().get(0).notAfter();

    assertThat(call.end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(call.end().getDescription())
        .isEqualTo("an SVID of this connection is over, or about to be");
    assertThat(Instant.now()).isAfter(notAfter);
  }

  /** False if the machine was too busy to do it before that SVID was over. */
  private boolean begins(
      MeshRuntime frontend, Server server, WorkloadEntry brief, AtomicReference<InFlight> begun) {
    shop.mesh.workload(shop.frontend).serve(brief);
    IssuedSvid issued = shop.mesh.workload(shop.frontend).svids().get(0);
    try {
      Eventually.await("the SVID", () -> frontend.svid().leaf().equals(issued.leaf()));
      begun.set(call(frontend, server));
      return true;
    } catch (MeshRuntimeException | CompletionException e) {
      return false;
    }
  }

  /**
   * Of calls that meet the very moment of a cut gRPC alone says that something unknown happened.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void andNeverThatItIsUnknownWhatHappened(boolean atTheClient) throws InterruptedException {
    MeshRuntime frontend = shop.frontendRuntime();
    ManagedChannel channel = shop.dial(frontend, shop.serve(shop.ordersRuntime()));
    HeldIdentities holds = atTheClient ? shop.clientHolds : shop.serverHolds;
    SpiffeId held = atTheClient ? shop.orders : shop.frontend;
    Set<Status.Code> seen = ConcurrentHashMap.newKeySet();
    AtomicLong served = new AtomicLong();
    AtomicLong refused = new AtomicLong();
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      callers.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (!over.get()) {
                      Status.Code outcome = outcome(channel);
                      seen.add(outcome);
                      (outcome == Status.Code.OK ? served : refused).incrementAndGet();
                      channel.resetConnectBackoff();
                    }
                  }));
    }
    for (int round = 0; round < 10; round++) {
      awaitService(channel);
      long before = served.get();
      Eventually.await("calls under way", () -> served.get() > before + 8);
      long refusedBefore = refused.get();
      QuarantineKey hold = holds.place(Subject.of(held), "containment-" + round);
      Eventually.await("the cut", () -> refused.get() > refusedBefore + 8);
      holds.release(hold);
    }
    over.set(true);
    for (Thread caller : callers) {
      caller.join();
    }

    assertThat(seen)
        .contains(Status.Code.OK)
        .isSubsetOf(Status.Code.OK, Status.Code.UNAVAILABLE, Status.Code.PERMISSION_DENIED);
  }

  private static void awaitService(ManagedChannel channel) {
    Eventually.await(
        "a call that is served",
        () -> {
          channel.resetConnectBackoff();
          return outcome(channel) == Status.Code.OK;
        });
  }

  private static Status.Code outcome(ManagedChannel channel) {
    try {
      String unused = Echo.call(channel, "hello");
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private InFlight call(MeshRuntime from, Server server) {
    return new InFlight(shop.dial(from, server));
  }

  /** A server that never cuts anybody, with an SVID of now. */
  private Server careless() {
    return shop.closing(
        Attacker.serve(
            shop.mesh.trustDomain().issue(shop.orders),
            ServerServiceDefinition.builder("meshward.test.Echo")
                .addMethod(Echo.CHAT, ServerCalls.asyncBidiStreamingCall(Parrot::new))
                .build()));
  }

  private record Parrot(StreamObserver<String> listener) implements StreamObserver<String> {
    @Override
    public void onNext(String text) {
      listener.onNext(text);
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {}
  }

  /** A call that has been answered once and goes on. */
  private static final class InFlight implements StreamObserver<String> {
    private final CompletableFuture<String> answer = new CompletableFuture<>();
    private final CompletableFuture<Status> end = new CompletableFuture<>();

    InFlight(ManagedChannel channel) {
      ClientCalls.asyncBidiStreamingCall(channel.newCall(Echo.CHAT, CallOptions.DEFAULT), this)
          .onNext("hello");
      assertThat(answer.orTimeout(1, TimeUnit.MINUTES).join()).contains("hello");
    }

    Status end() {
      return end.orTimeout(1, TimeUnit.MINUTES).join();
    }

    @Override
    public void onNext(String text) {
      answer.complete(text);
    }

    @Override
    public void onError(Throwable failure) {
      answer.completeExceptionally(failure);
      end.complete(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK);
    }
  }
}
