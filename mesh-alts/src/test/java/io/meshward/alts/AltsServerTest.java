package io.meshward.alts;

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
import io.meshward.runtime.Hold;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.runtime.QuarantineSource;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.testkit.MeshExtension;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

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

  @RegisterExtension static final MeshExtension mesh = MeshExtension.of("shop.test");

  private final Held held = new Held();
  private @Nullable FakeHandshaker handshaker;
  private @Nullable MeshRuntime runtime;

  @BeforeEach
  void start() {
    handshaker = mesh.closing(new FakeHandshaker());
    runtime =
        mesh.closing(
            MeshRuntime.builder()
                .workloadApi(mesh.addressFor("/ns/shop/sa/orders"))
                .withoutEvents()
                .quarantine(held)
                .start());
  }

  @Test
  void aServiceAccountIsTheIdentityItStandsFor() throws Exception {
    assertThat(call(serve(alts()), BATCH_ACCOUNT)).isEqualTo(BATCH + " as " + BATCH_ACCOUNT);
  }

  @Test
  void aServiceAccountThatStandsForNobodyIsRefused() throws Exception {
    Server server = serve(alts());

    assertRefused(() -> call(server, "thief@shop.iam.gserviceaccount.com"));
    assertRefused(() -> call(server, BATCH_ACCOUNT.toUpperCase(Locale.ROOT)));
    assertRefused(() -> call(server, ""));
  }

  @Test
  void aHeldIdentityIsRefusedUntilItIsReleased() throws Exception {
    Server server = serve(alts());
    held.hold(new Hold(new QuarantineKey(Subject.of(BATCH), "c1"), null, null, null));
    assertRefused(() -> call(server, BATCH_ACCOUNT));

    held.hold();

    assertThat(call(server, BATCH_ACCOUNT)).startsWith(BATCH.toString());
  }

  @Test
  void aConnectionThatIsNotOfAltsIsRefused() throws Exception {
    Server server = serve(InsecureServerCredentials.create());
    ManagedChannel channel =
        ManagedChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
    mesh.closing(channel::shutdownNow);

    assertRefused(() -> call(channel));
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
  }

  private static void assertRefused(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED));
  }

  private Server serve(ServerCredentials credentials) throws IOException {
    Server server =
        AltsServer.builder(runtime(), 0, Map.of(BATCH_ACCOUNT, BATCH), credentials)
            .addService(
                ServerServiceDefinition.builder("meshward.test.Alts")
                    .addMethod(
                        WHO,
                        ServerCalls.asyncUnaryCall(
                            (request, reply) -> {
                              AltsPeer peer = AltsPeer.current();
                              reply.onNext(
                                  StringValue.of(peer.id() + " as " + peer.serviceAccount()));
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
    return call(channel);
  }

  private static String call(ManagedChannel channel) {
    return ClientCalls.blockingUnaryCall(
            channel,
            WHO,
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
