package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.SettableClock;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSourceTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final SpiffeId ORDERS = SHOP.name().id(Shop.ORDERS_PATH);
  private static final SpiffeId FRONTEND = SHOP.name().id(Shop.FRONTEND_PATH);

  private final RecordingSink events = new RecordingSink();
  private final Queue<RuntimeState> states = new ConcurrentLinkedQueue<>();
  private final Deque<Runnable> open = new ArrayDeque<>();

  @TempDir Path directory;

  @BeforeEach
  void issue() throws Exception {
    write(SHOP.issue(ORDERS));
    Files.writeString(file("ca.crt"), pem(SHOP.x509Authorities()));
  }

  @AfterEach
  void close() {
    while (!open.isEmpty()) {
      open.pop().run();
    }
  }

  @Test
  void servesAndDialsWithTheSvidInItsFiles() throws Exception {
    MeshRuntime orders = start(builder());
    Path other = Files.createDirectory(file("frontend"));
    write(SHOP.issue(FRONTEND), other);
    MeshRuntime frontend =
        start(
            MeshRuntime.builder()
                .files(other.resolve("tls.crt"), other.resolve("tls.key"), file("ca.crt"))
                .withoutEvents()
                .withoutQuarantine());
    Server server = orders.serverBuilder(0).addService(Echo.service()).build().start();
    open.push(server::shutdownNow);
    ManagedChannel channel = frontend.channelBuilder(Shop.target(server), ORDERS).build();
    open.push(channel::shutdownNow);

    assertThat(Echo.call(channel, "hello")).isEqualTo(FRONTEND + " said hello");
    assertThat(orders.status().closedBecause()).isEmpty();
  }

  @Test
  void takesWhatIsSwappedInAndTellsItsListeners() throws Exception {
    MeshRuntime orders = start(builder());
    IssuedSvid next = SHOP.issue(ORDERS);

    write(next);

    Eventually.await("the new SVID", () -> orders.svid().leaf().equals(next.leaf()));
    assertThat(states)
        .hasSizeGreaterThanOrEqualTo(2)
        .allSatisfy(state -> assertThat(state).isInstanceOf(RuntimeState.Ready.class));
  }

  @Test
  void keepsTheSvidWhileTheFilesDoNotFitTogether() throws Exception {
    MeshRuntime orders = start(builder());
    X509Certificate first = orders.svid().leaf();
    IssuedSvid next = SHOP.issue(ORDERS);

    replace("tls.crt", pem(next.certificates()));
    awaitProblem("private key of another certificate");
    assertThat(orders.svid().leaf()).isEqualTo(first);
    write(next);
    Eventually.await("the new SVID", () -> orders.svid().leaf().equals(next.leaf()));

    Files.delete(file("ca.crt"));
    awaitProblem("ca.crt does not exist");
    assertThat(orders.svid().leaf()).isEqualTo(next.leaf());
  }

  @Test
  void readsABundleMapOfSeveralTrustDomains() throws Exception {
    TestTrustDomain partner = TestTrustDomain.create("partner.test");
    var map = EventCodec.object();
    var domains = map.putObject("trust_domains");
    for (TestTrustDomain one : List.of(SHOP, partner)) {
      domains.set(
          one.name().name(),
          EventCodec.readTree(one.spiffeBundle().getBytes(StandardCharsets.UTF_8)));
    }
    replace("ca.crt", map.toString());

    MeshRuntime orders = start(builder());

    assertThat(orders.identity().bundles()).containsOnlyKeys(SHOP.name(), partner.name());
  }

  @Test
  void saysWhatIsWrongWithTheFilesWhenItCannotStart() throws Exception {
    replace("tls.key", "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n");
    assertRefusesToStart("EC PRIVATE KEY").hasMessageContaining("PKCS8");
    replace("tls.key", "no key");
    assertRefusesToStart("no PEM block");
    write(SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(Variation.EXPIRED)));
    assertRefusesToStart("expired");
    write(SHOP.issue(ORDERS, IssueOptions.DEFAULT.with(Variation.NO_URI)));
    assertRefusesToStart("0 URI names");
    write(TestTrustDomain.create("shop.test").issue(ORDERS));
    assertRefusesToStart("unknown_authority");
    Shown ed25519 = new ForgedSvids(SHOP).ofEd25519(ORDERS);
    replace("tls.key", pem("PRIVATE KEY", ed25519.key().getEncoded()));
    replace("tls.crt", pem(ed25519.chain()));
    assertRefusesToStart("has a key of algorithm EdDSA: expected EC or RSA");
    replace("tls.crt", "nothing");
    assertRefusesToStart("tls.crt has no PEM certificates");
    replace("ca.crt", "{}");
    write(SHOP.issue(ORDERS));
    assertRefusesToStart("trust_domains");
  }

  @Test
  void hasNoJwtSvidsAndNoChoiceOfSvids() {
    MeshRuntime orders = start(builder());

    assertThatThrownBy(orders::jwtSvids)
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("Workload API");
    assertThatThrownBy(() -> builder().hint("a").start())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anSvidThatEndsIsNotServedAnyMore() throws Exception {
    SettableClock clock = new SettableClock(Instant.now());
    MeshRuntime orders = start(builder().clock(clock));
    X509Svid svid = orders.svid();

    clock.set(svid.notAfter());
    Eventually.await(
        "it is told late", () -> states.stream().anyMatch(RuntimeState.Stale.class::isInstance));
    assertThat(orders.status().open()).isTrue();
    clock.set(svid.notAfter().plusMillis(1));
    Eventually.await(
        "the end", () -> states.stream().anyMatch(RuntimeState.Expired.class::isInstance));

    assertThat(orders.status().open()).isFalse();
    assertThat(orders.status().closedBecause())
        .hasValueSatisfying(why -> assertThat(why).contains("expired"));
    assertThatThrownBy(orders::svid).isInstanceOf(MeshRuntimeException.class);
  }

  private org.assertj.core.api.AbstractThrowableAssert<?, ?> assertRefusesToStart(String words) {
    return assertThat(FailedStart.of(this::builder, words))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining(words)
        .hasMessageContaining("mounted");
  }

  private void awaitProblem(String words) {
    Eventually.await(
        words,
        () ->
            events.of(io.meshward.schemas.SvidLifecycle.class).stream()
                .anyMatch(event -> String.valueOf(event.svid().error()).contains(words)));
  }

  private MeshRuntime start(MeshRuntimeBuilder builder) {
    MeshRuntime runtime = builder.start();
    open.push(runtime::close);
    return runtime;
  }

  private MeshRuntimeBuilder builder() {
    try {
      Path policy = file("policy.json");
      Files.writeString(policy, Shop.ALLOW_FRONTEND);
      return MeshRuntime.builder()
          .files(file("tls.crt"), file("tls.key"), file("ca.crt"))
          .policy(policy)
          .events(events)
          .listener(states::add)
          .withoutQuarantine();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Path file(String name) {
    return directory.resolve(name);
  }

  private void write(IssuedSvid svid) throws Exception {
    write(svid, directory);
  }

  /** The key first: in between, the files do not fit together, as in real life. */
  private static void write(IssuedSvid svid, Path where) throws Exception {
    replace(where.resolve("tls.key"), pem("PRIVATE KEY", svid.privateKey().getEncoded()));
    replace(where.resolve("tls.crt"), pem(svid.certificates()));
  }

  private void replace(String name, String content) throws IOException {
    replace(file(name), content);
  }

  private static void replace(Path file, String content) throws IOException {
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Files.writeString(next, content);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String pem(List<X509Certificate> certificates)
      throws CertificateEncodingException {
    StringBuilder all = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      all.append(pem("CERTIFICATE", certificate.getEncoded()));
    }
    return all.toString();
  }

  private static String pem(String kind, byte[] der) {
    return "-----BEGIN "
        + kind
        + "-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END "
        + kind
        + "-----\n";
  }
}
