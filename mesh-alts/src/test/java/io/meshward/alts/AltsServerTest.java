package io.meshward.alts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.protobuf.StringValue;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.alts.AltsChannelCredentials;
import io.grpc.alts.AltsServerCredentials;
import io.grpc.alts.InternalCheckGcpEnvironment;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.meshward.runtime.EventClass;
import io.meshward.runtime.EventSink;
import io.meshward.runtime.Hold;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.runtime.PeerIdentity;
import io.meshward.runtime.QuarantineSource;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.Event;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.MeshExtension;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The contract with grpc-alts: its own code on both sides, and a handshaker of the test's. */
class AltsServerTest {
  private static final String BATCH_ACCOUNT = "batch@shop.iam.gserviceaccount.com";
  private static final SpiffeId BATCH = SpiffeId.parse("spiffe://shop.test/gcp/batch");
  private static final MethodDescriptor<StringValue, StringValue> WHO =
      MethodDescriptor.<StringValue, StringValue>newBuilder()
          .setType(MethodType.UNARY)
          .setFullMethodName("meshward.test.Alts/Who")
          .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
          .build();

  private static final MethodDescriptor<StringValue, StringValue> OTHER =
      WHO.toBuilder().setFullMethodName("meshward.test.Alts/Other").build();

  @RegisterExtension static final MeshExtension mesh = MeshExtension.of("shop.test");

  private static final String ALLOW_BATCH =
      """
      {"name": "alts", "allow_rules": [{"name": "batch",
        "source": {"principals": ["spiffe://shop.test/gcp/batch"]},
        "request": {"paths": ["/meshward.test.Alts/Who"]}}]}
      """;

  private final Held held = new Held();
  private final Events events = new Events();
  @TempDir private Path directory;
  private @Nullable FakeHandshaker handshaker;
  private @Nullable MeshRuntime runtime;
  private @Nullable Path policy;

  @BeforeEach
  void start() throws IOException {
    policy = Files.writeString(directory.resolve("policy.json"), ALLOW_BATCH, UTF_8);
    handshaker = mesh.closing(new FakeHandshaker());
    runtime = mesh.closing(start(held));
  }

  @Test
  void aServiceAccountIsTheIdentityItStandsFor() throws Exception {
    assertThat(call(serve(alts()), BATCH_ACCOUNT)).isEqualTo(BATCH + " as " + BATCH_ACCOUNT);

    TlsHandshake handshake = events.await(TlsHandshake.class);
    assertThat(handshake.tls().result()).isEqualTo(TlsHandshake.Result.SUCCESS);
    assertThat(handshake.tls().provider()).isEqualTo("alts");
    assertThat(handshake.peer().id()).isEqualTo(BATCH);
    assertThat(handshake.peer().ip()).isEqualTo("127.0.0.1");
    assertThat(handshake.cert()).isNull();
    AuthzDecision decision = events.await(AuthzDecision.class);
    assertThat(decision.authz().decision()).isEqualTo(AuthzDecision.Decision.ALLOW);
    assertThat(decision.authz().ruleId()).isEqualTo("allow_rules.batch");
    assertThat(decision.peer().id()).isEqualTo(BATCH);
    assertThat(decision.conn()).isEqualTo(handshake.conn());
  }

  @Test
  void thePolicyDecidesWhatAServiceAccountMayCall() throws Exception {
    Server server = serve(alts());

    assertDenied(() -> call(channel(server, BATCH_ACCOUNT), OTHER));
    AuthzDecision decision = events.await(AuthzDecision.class);
    assertThat(decision.authz().decision()).isEqualTo(AuthzDecision.Decision.DENY);
    assertThat(decision.authz().reason()).isEqualTo("no_rule");
    assertThat(requireNonNull(decision.rpc()).knownMethod()).isFalse();
    assertThat(decision.peer().id()).isEqualTo(BATCH);
  }

  @Test
  void aRuleThatLooksAtTheSvidIsUndecided() throws Exception {
    Files.writeString(
        requireNonNull(policy),
        """
        {"name": "alts", "allow_rules": [{"name": "fresh",
          "when": [{"key": "cert.age_ms", "lt": 3600000}]}]}
        """,
        UTF_8);
    MeshRuntime strict = mesh.closing(start(new Held()));

    assertDenied(() -> call(serve(strict, alts()), BATCH_ACCOUNT));
    assertThat(events.await(AuthzDecision.class).authz().reason()).isEqualTo("fact_absent");
  }

  @Test
  void aServiceAccountThatStandsForNobodyIsCut() throws Exception {
    Server server = serve(alts());

    assertCut(() -> call(server, "thief@shop.iam.gserviceaccount.com"));
    TlsHandshake refused = events.await(TlsHandshake.class);
    assertThat(refused.tls().detail()).isEqualTo("unknown_account");
    assertThat(refused.tls().result())
        .isEqualTo(TlsHandshake.Result.CERTIFICATE_VERIFICATION_FAILED);
    assertThat(refused.peer().claimedId()).isEqualTo("thief@shop.iam.gserviceaccount.com");
    assertThat(refused.peer().id()).isNull();
    assertCut(() -> call(server, BATCH_ACCOUNT.toUpperCase(Locale.ROOT)));
    assertCut(() -> call(server, ""));
    // A call may have come with the end of the handshake: it is refused, whatever the cut does.
    assertThat(events.of(AuthzDecision.class))
        .allSatisfy(
            event -> {
              assertThat(event.authz().decision()).isEqualTo(AuthzDecision.Decision.DENY);
              assertThat(event.authz().reason()).isEqualTo("no_peer");
              assertThat(event.peer().ip()).isEqualTo("127.0.0.1");
              assertThat(events.of(TlsHandshake.class))
                  .extracting(TlsHandshake::conn)
                  .contains(event.conn());
            });
  }

  @Test
  void aHeldIdentityIsCutAndRefusedUntilItIsReleased() throws Exception {
    Server server = serve(alts());
    ManagedChannel before = channel(server, BATCH_ACCOUNT);
    assertThat(call(before, WHO)).startsWith(BATCH.toString());

    held.hold(new Hold(new QuarantineKey(Subject.of(BATCH), "c1"), null, null, null));

    Enforcement applied = events.await(Enforcement.class);
    assertThat(applied.enforcement().outcome()).isEqualTo(Enforcement.Outcome.APPLIED);
    assertThat(applied.enforcement().connectionsCut()).isEqualTo(1);
    assertCut(() -> call(before, WHO));
    assertCut(() -> call(server, BATCH_ACCOUNT));
    assertThat(events.of(TlsHandshake.class))
        .anySatisfy(
            event -> {
              assertThat(event.tls().detail()).isEqualTo("quarantined");
              assertThat(event.peer().claimedId()).isEqualTo(BATCH.toString());
            });

    held.hold();

    assertThat(call(server, BATCH_ACCOUNT)).startsWith(BATCH.toString());
  }

  @Test
  void aConnectionThatIsNotOfAltsIsCut() throws Exception {
    Server server = serve(InsecureServerCredentials.create());
    ManagedChannel channel =
        ManagedChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
    mesh.closing(channel::shutdownNow);

    assertCut(() -> call(channel, WHO));
    assertThat(events.await(TlsHandshake.class).tls().detail()).isEqualTo("unauthenticated");
  }

  @Test
  void aConnectionThatEndsBeforeItsHandshakeIsReported() throws Exception {
    Server server = serve(alts());
    new Socket(InetAddress.getLoopbackAddress(), server.getPort()).close();

    TlsHandshake failed = events.await(TlsHandshake.class);
    assertThat(failed.tls().result()).isEqualTo(TlsHandshake.Result.PEER_CONNECTION_CLOSED);
    assertThat(failed.tls().provider()).isEqualTo("alts");
  }

  @Test
  void elsewhereThanOnGoogleCloudItDoesNotStart() {
    assumeThat(InternalCheckGcpEnvironment.isOnGcp()).isFalse();

    assertThatThrownBy(() -> AltsServer.builder(runtime(), 0, Map.of(BATCH_ACCOUNT, BATCH)))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("Google Cloud only");
  }

  @Test
  void somebodyHasToBeAllowed() {
    assertThatThrownBy(() -> AltsServer.builder(runtime(), 0, Map.of(), alts()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no service account is named");
    assertThatThrownBy(AltsPeer::current).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(PeerIdentity::currentId).isInstanceOf(IllegalStateException.class);
  }

  private static void assertDenied(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED));
  }

  /** What grpc-alts says of a connection that ends depends on when it does. */
  private static void assertCut(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            cut ->
                assertThat(cut.getStatus().getCode())
                    .isIn(Status.Code.UNAVAILABLE, Status.Code.UNKNOWN));
  }

  private MeshRuntime start(QuarantineSource quarantine) {
    return MeshRuntime.builder()
        .workloadApi(mesh.addressFor("/ns/shop/sa/orders"))
        .policy(requireNonNull(policy))
        .events(events)
        .quarantine(quarantine)
        .start();
  }

  private Server serve(ServerCredentials credentials) throws IOException {
    return serve(runtime(), credentials);
  }

  private Server serve(MeshRuntime serving, ServerCredentials credentials) throws IOException {
    Server server =
        AltsServer.builder(serving, 0, Map.of(BATCH_ACCOUNT, BATCH), credentials)
            .addService(
                ServerServiceDefinition.builder("meshward.test.Alts")
                    .addMethod(
                        WHO,
                        ServerCalls.asyncUnaryCall(
                            (request, reply) -> {
                              AltsPeer peer = AltsPeer.current();
                              reply.onNext(
                                  StringValue.of(
                                      PeerIdentity.currentId() + " as " + peer.serviceAccount()));
                              reply.onCompleted();
                            }))
                    .build())
            .build()
            .start();
    mesh.closing(server::shutdownNow);
    return server;
  }

  private ServerCredentials alts() {
    return new AltsServerCredentials.Builder()
        .enableUntrustedAltsForTesting()
        .setHandshakerAddressForTesting(handshaker().address())
        .build();
  }

  private String call(Server server, String account) {
    return call(channel(server, account), WHO);
  }

  private ManagedChannel channel(Server server, String account) {
    handshaker().clientsAre(account);
    ManagedChannel channel =
        Grpc.newChannelBuilder(
                "127.0.0.1:" + server.getPort(),
                new AltsChannelCredentials.Builder()
                    .enableUntrustedAltsForTesting()
                    .setHandshakerAddressForTesting(handshaker().address())
                    .build())
            .build();
    mesh.closing(channel::shutdownNow);
    return channel;
  }

  private static String call(
      ManagedChannel channel, MethodDescriptor<StringValue, StringValue> method) {
    return ClientCalls.blockingUnaryCall(
            channel,
            method,
            CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
            StringValue.getDefaultInstance())
        .getValue();
  }

  private FakeHandshaker handshaker() {
    return requireNonNull(handshaker);
  }

  private MeshRuntime runtime() {
    return requireNonNull(runtime);
  }

  /** What the runtime reports. */
  private static final class Events implements EventSink {
    private final List<Event> all = new CopyOnWriteArrayList<>();

    @Override
    public boolean offer(EventClass eventClass, String key, Envelope<? extends Event> event) {
      return all.add(event.data());
    }

    @Override
    public long dropped(EventClass eventClass) {
      return 0;
    }

    @Override
    public void close() {}

    <E extends Event> List<E> of(Class<E> kind) {
      return all.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    /** The first of a kind, awaited. */
    <E extends Event> E await(Class<E> kind) {
      long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
      while (of(kind).isEmpty()) {
        assertThat(System.nanoTime()).as("awaiting an event of %s", kind).isLessThan(end);
        LockSupport.parkNanos(1_000_000);
      }
      return of(kind).get(0);
    }
  }

  /** Holds that the test says. */
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
}
