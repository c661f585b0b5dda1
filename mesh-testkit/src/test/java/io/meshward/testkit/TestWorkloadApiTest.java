package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestWorkloadApiTest {

  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId AUDIT = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/audit");

  @TempDir Path directory;

  private final TestTrustDomain shop = TestTrustDomain.create("shop.test");
  private TestWorkloadApi api;
  private WorkloadApiClient client;

  @BeforeEach
  void start() {
    api = TestWorkloadApi.start(directory.resolve("s"), shop, WorkloadEntry.of(ORDERS));
    client = WorkloadApiClient.of(api);
  }

  @AfterEach
  void stop() {
    client.close();
    api.close();
  }

  @Test
  void givesTheFullStateAtOnce() throws Exception {
    X509SVIDResponse message = client.x509Svids().next();

    assertThat(message.getSvidsCount()).isEqualTo(1);
    X509SVID svid = message.getSvids(0);
    assertThat(svid.getSpiffeId()).isEqualTo(ORDERS.toString());
    assertThat(svid.getHint()).isEmpty();
    X509Certificate leaf = Der.certificates(svid.getX509Svid().toByteArray()).get(0);
    leaf.verify(Der.certificates(svid.getBundle().toByteArray()).get(0).getPublicKey());
    assertThat(leaf.getSerialNumber()).isEqualTo(api.svids().get(0).serialNumber());
    assertThat(
            KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(svid.getX509SvidKey().toByteArray())))
        .isEqualTo(api.svids().get(0).privateKey());
    assertThat(message.getFederatedBundlesMap()).isEmpty();
  }

  @Test
  void pushesRotatedSvids() throws Exception {
    var stream = client.x509Svids();
    X509SVID first = stream.next().getSvids(0);

    List<IssuedSvid> rotated = api.rotate();

    X509SVID second = stream.next().getSvids(0);
    assertThat(second.getX509Svid()).isEqualTo(ByteString.copyFrom(rotated.get(0).derChain()));
    assertThat(second.getX509Svid()).isNotEqualTo(first.getX509Svid());
    assertThat(second.getX509SvidKey()).isNotEqualTo(first.getX509SvidKey());
    assertThat(second.getBundle()).isEqualTo(first.getBundle());
  }

  @Test
  void servesSeveralSvidsWithHintsInTheirOrder() throws Exception {
    api.serve(WorkloadEntry.of(ORDERS).hint("internal"), WorkloadEntry.of(AUDIT).hint("audit"));

    X509SVIDResponse message = client.x509Svids().next();

    assertThat(message.getSvidsList())
        .extracting(X509SVID::getSpiffeId, X509SVID::getHint)
        .containsExactly(tuple(ORDERS.toString(), "internal"), tuple(AUDIT.toString(), "audit"));
  }

  @Test
  void redactsWithPermissionDeniedUntilResumed() throws Exception {
    var stream = client.x509Svids();
    stream.next();

    api.redact();

    assertThat(stream.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(client.x509Svids().end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    api.resume();
    assertThat(client.x509Svids().next().getSvidsCount()).isEqualTo(1);
  }

  @Test
  void refusesAWorkloadThatIsEntitledToNothing() throws Exception {
    api.serve();

    assertThat(client.x509Svids().end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(client.x509Bundles().end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(client.jwtBundles().end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  @Test
  void endsStreamsWithoutAnError() throws Exception {
    var stream = client.x509Svids();
    stream.next();

    api.closeStreams();

    assertThat(stream.end().isOk()).isTrue();
    assertThat(client.x509Svids().next().getSvidsCount()).isEqualTo(1);
  }

  @Test
  void failsWithAnyStatusUntilResumed() throws Exception {
    var stream = client.x509Svids();
    stream.next();

    api.failWith(Status.UNAVAILABLE.withDescription("agent is starting"));

    assertThat(stream.end().getDescription()).isEqualTo("agent is starting");
    shop.prepareX509Authority();
    assertThat(client.x509Svids().end().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    api.resume();
    assertThat(client.x509Svids().next().getSvidsCount()).isEqualTo(1);
  }

  @Test
  void fallsSilentUntilResumed() throws Exception {
    api.fallSilent();
    var stream = client.x509Svids();
    Await.until(() -> api.openStreams() == 1);

    assertThat(stream.isQuiet()).isTrue();
    api.resume();
    assertThat(stream.next().getSvidsCount()).isEqualTo(1);
  }

  @Test
  void sendsMessagesThatAreWrong() throws Exception {
    var stream = client.x509Svids();
    stream.next();
    var withoutKey = api.x509SvidMessage().toBuilder();
    withoutKey.getSvidsBuilder(0).clearX509SvidKey();

    api.sendRaw(withoutKey.build());

    assertThat(stream.next()).isEqualTo(withoutKey.build());
    assertThat(client.x509Svids().next()).isEqualTo(withoutKey.build());
    api.rotate();
    assertThat(stream.next().getSvids(0).getX509SvidKey().isEmpty()).isFalse();
  }

  @Test
  void goesAwayAndComesBackOnTheSameSocket() throws Exception {
    var stream = client.x509Svids();
    X509SVIDResponse before = stream.next();

    api.stop();

    assertThat(stream.end().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
    assertThat(api.socket()).doesNotExist();
    api.restart();
    try (var again = WorkloadApiClient.of(api)) {
      assertThat(again.x509Svids().next()).isEqualTo(before);
    }
  }

  @Test
  void refusesCallsWithoutTheSecurityHeader() throws Exception {
    for (String[] values : new String[][] {{}, {"false"}, {"TRUE"}, {"true", "true"}}) {
      try (var browser = WorkloadApiClient.withSecurityHeader(api.socket(), values)) {
        Status end = browser.x509Svids().end();
        assertThat(end.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(end.getDescription()).isEqualTo("security header missing from request");
      }
    }
    assertThat(api.calls().refused()).isEqualTo(4);
    assertThat(api.calls().fetchX509Svid()).isZero();
  }

  @Test
  void refusesASocketPathThatIsTooLong() {
    Path tooLong = directory.resolve("s".repeat(108));

    assertThatThrownBy(() -> TestWorkloadApi.start(tooLong, shop))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("107 bytes")
        .hasMessageContaining(tooLong.toString());
  }

  @Test
  void replacesTheSocketOfADeadProcess() throws Exception {
    Path socket = directory.resolve("dead");
    ServerSocketChannel.open(StandardProtocolFamily.UNIX)
        .bind(UnixDomainSocketAddress.of(socket))
        .close();
    assertThat(socket).exists();

    try (var served = TestWorkloadApi.start(socket, shop, WorkloadEntry.of(ORDERS));
        var workload = WorkloadApiClient.of(served)) {
      assertThat(workload.x509Svids().next().getSvidsCount()).isEqualTo(1);
    }
    assertThat(socket).doesNotExist();
  }

  @Test
  void refusesASocketThatIsServed() throws Exception {
    assertThatThrownBy(() -> TestWorkloadApi.start(api.socket(), shop))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(api.socket().toString());
    assertThat(client.x509Svids().next().getSvidsCount()).isEqualTo(1);
  }

  @Test
  void refusesToReplaceAFile() throws Exception {
    Path file = Files.writeString(directory.resolve("letter"), "not a socket");

    assertThatThrownBy(() -> TestWorkloadApi.start(file, shop))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(file.toString());
    assertThat(file).hasContent("not a socket");
  }

  @Test
  void refusesAPlaceWithoutADirectory() {
    Path lost = directory.resolve("no").resolve("s");

    assertThatThrownBy(() -> TestWorkloadApi.start(lost, shop))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(lost.toString());
  }

  @Test
  void countsCallsAndOpenStreams() throws Exception {
    var stream = client.x509Svids();
    stream.next();
    client.x509Bundles().next();
    client.jwtBundles().next();

    assertThat(api.calls()).isEqualTo(new ApiCalls(1, 1, 1, 0, 0, 0));
    assertThat(api.openStreams()).isEqualTo(3);
    client.close();
    Await.until(() -> api.openStreams() == 0);
  }

  @Test
  void skipsToTheLatestStateForAClientThatDoesNotRead() throws Exception {
    int rotations = 300;
    try (var slow = client.x509SvidsUnread()) {
      Await.until(() -> api.openStreams() == 1);
      for (int i = 0; i < rotations; i++) {
        api.rotate();
      }

      List<X509SVIDResponse> received = slow.readUntil(api.x509SvidMessage());

      assertThat(received).hasSizeLessThan(rotations);
    }
  }

  @Test
  void servesManyWorkloadsFromOneThread() throws Exception {
    var others = new ArrayList<TestWorkloadApi>();
    for (int i = 0; i < 20; i++) {
      SpiffeId id = shop.name().id("/workload/" + i);
      others.add(TestWorkloadApi.start(directory.resolve("w" + i), shop, WorkloadEntry.of(id)));
    }
    for (TestWorkloadApi other : others) {
      try (var workload = WorkloadApiClient.of(other)) {
        assertThat(workload.x509Svids().next().getSvids(0).getSpiffeId())
            .isEqualTo(other.svids().get(0).id().toString());
      }
    }

    // That of an API of another test may live for a moment longer.
    Await.until(() -> servingThreads().size() == 1);
    others.forEach(TestWorkloadApi::close);
    assertThat(client.x509Svids().next().getSvidsCount()).isEqualTo(1);
    api.close();
    // It has told of its end when it is closed, and lives for a moment longer.
    for (Thread thread : servingThreads()) {
      assertThat(thread.join(Duration.ofMinutes(1))).isTrue();
    }
  }

  @Test
  void rotatesByItselfAtHalfLife() throws Exception {
    var clock = new SettableClock(Instant.parse("2026-03-01T12:00:00Z"));
    var trustDomain = TestTrustDomain.create(shop.name(), clock);
    var entry = WorkloadEntry.of(ORDERS).timeToLive(Duration.ofSeconds(60));
    try (var served = TestWorkloadApi.start(directory.resolve("r"), trustDomain, entry);
        var workload = WorkloadApiClient.of(served)) {
      served.rotateAtHalfLife();
      var stream = workload.x509Svids();
      X509SVID first = stream.next().getSvids(0);

      clock.advance(Duration.ofSeconds(30));

      X509SVID second = stream.next().getSvids(0);
      assertThat(second.getX509Svid()).isNotEqualTo(first.getX509Svid());
      assertThat(served.svids().get(0).notAfter()).isEqualTo(clock.instant().plusSeconds(60));
    }
  }

  private static List<Thread> servingThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("test-workload-api"))
        .toList();
  }
}
