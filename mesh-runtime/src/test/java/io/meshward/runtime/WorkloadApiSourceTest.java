package io.meshward.runtime;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestMesh;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.TestWorkloadApi;
import io.meshward.testkit.Variation;
import io.meshward.testkit.WorkloadEntry;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WorkloadApiSourceTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId BATCH = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/batch");

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final TestMesh mesh = TestMesh.start("shop.test");
  private final TestWorkloadApi api = mesh.workload(ORDERS);
  private final BlockingQueue<IdentityUpdate> updates = new LinkedBlockingQueue<>();
  private @Nullable WorkloadApi client;
  private @Nullable WorkloadApiSource source;

  @AfterEach
  void close() {
    if (source != null) {
      source.close();
    }
    if (client != null) {
      client.close();
    }
    mesh.close();
  }

  @Test
  void tellsTheSvidWithItsKeyAndBundle() throws Exception {
    WorkloadIdentity identity = watchUntilIssued();

    IssuedSvid served = api.svids().get(0);
    assertThat(identity.svid().id()).isEqualTo(ORDERS);
    assertThat(identity.svid().chain()).isEqualTo(served.certificates());
    assertThat(identity.svid().privateKey()).isEqualTo(served.privateKey());
    assertThat(identity.bundles())
        .isEqualTo(
            Map.of(
                ORDERS.trustDomain(),
                new TrustBundle(ORDERS.trustDomain(), mesh.trustDomain().x509Authorities())));
    assertThat(identity.toString()).doesNotContain("PrivateKey");
  }

  @Test
  void tellsEachRotationUnderANewGeneration() throws Exception {
    WorkloadIdentity first = watchUntilIssued();

    IssuedSvid rotated = api.rotate().get(0);

    WorkloadIdentity second = issued();
    assertThat(second.svid().leaf()).isEqualTo(rotated.leaf());
    assertThat(second.generation()).isGreaterThan(first.generation());
  }

  @Test
  void choosesTheSvidOfAnId() throws Exception {
    api.serve(WorkloadEntry.of(BATCH), WorkloadEntry.of(ORDERS));

    watch(new SvidChoice(ORDERS, null));

    assertThat(issued().svid().id()).isEqualTo(ORDERS);
  }

  @Test
  void choosesTheFirstSvidWithAHint() throws Exception {
    api.serve(
        WorkloadEntry.of(BATCH),
        WorkloadEntry.of(ORDERS).hint("internal"),
        WorkloadEntry.of(BATCH).hint("internal"));

    watch(new SvidChoice(null, "internal"));

    assertThat(issued().svid().id()).isEqualTo(ORDERS);
  }

  @Test
  void takesTheFirstOfAllWithoutAChoice() throws Exception {
    api.serve(WorkloadEntry.of(BATCH), WorkloadEntry.of(ORDERS));

    assertThat(watchUntilIssued().svid().id()).isEqualTo(BATCH);
  }

  @Test
  void withdrawsAnSvidThatIsNotAmongThoseOfferedAnyMore() throws Exception {
    watch(new SvidChoice(ORDERS, null));
    issued();

    api.serve(WorkloadEntry.of(BATCH));

    assertThat(withdrawn().reason()).contains(BATCH.toString()).contains(ORDERS.toString());
    api.serve(WorkloadEntry.of(ORDERS));
    assertThat(issued().svid().id()).isEqualTo(ORDERS);
  }

  @Test
  void reopensAStreamThatEndsWithOk() throws Exception {
    watchUntilIssued();

    api.closeStreams();
    issued();
    IssuedSvid rotated = api.rotate().get(0);

    assertThat(issued().svid().leaf()).isEqualTo(rotated.leaf());
  }

  @ParameterizedTest
  @EnumSource(names = {"UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "CANCELLED"})
  void keepsTheStateAndTriesAgainAfterAnError(Status.Code code) throws Exception {
    watchUntilIssued();

    api.failWith(code.toStatus().withDescription("agent is busy"));
    IdentityUpdate.Failed failed = failed();
    assertThat(failed.retrying()).isTrue();
    assertThat(failed.reason()).contains(code.name()).contains(api.socket().toString());
    api.resume();

    issued();
  }

  @Test
  void withdrawsTheSvidWhenPermissionIsDeniedAndTriesAgain() throws Exception {
    watchUntilIssued();

    api.redact();
    assertThat(withdrawn().reason()).contains("PERMISSION_DENIED");
    api.resume();

    issued();
  }

  @ParameterizedTest
  @EnumSource(names = {"INVALID_ARGUMENT", "UNIMPLEMENTED"})
  void doesNotRepeatARequestThatIsWrong(Status.Code code) throws Exception {
    watchUntilIssued();

    api.failWith(code.toStatus());

    assertThat(failed().retrying()).isFalse();
    long opened = api.calls().fetchX509Svid();
    api.resume();
    requireNonNull(source).refresh();
    assertThat(updates.poll(700, TimeUnit.MILLISECONDS)).isNull();
    assertThat(api.calls().fetchX509Svid()).isEqualTo(opened);
  }

  @Test
  void findsAnAgentThatComesLater() throws Exception {
    api.stop();
    watch(new SvidChoice(null, null));
    assertThat(failed().reason()).contains("UNAVAILABLE").contains(api.socket().toString());

    api.restart();

    issued();
  }

  @Test
  void findsAnAgentThatWasRestarted() throws Exception {
    watchUntilIssued();
    api.stop();
    failed();

    api.restart();

    issued();
  }

  @Test
  void discardsAMessageWithoutSvids() throws Exception {
    expectDiscarded(X509SVIDResponse.getDefaultInstance(), "no SVID");
  }

  @Test
  void discardsAMessageWithAnEmptyMandatoryField() throws Exception {
    watchUntilIssued();
    expectDiscardedNext(changed(svid -> svid.clearSpiffeId()), "svids[0].spiffe_id is empty");
    expectDiscardedNext(changed(svid -> svid.clearX509Svid()), "svids[0].x509_svid is empty");
    expectDiscardedNext(changed(svid -> svid.clearX509SvidKey()), "x509_svid_key is empty");
    expectDiscardedNext(changed(svid -> svid.clearBundle()), "svids[0].bundle is empty");
    api.rotate();
    issued();
  }

  @Test
  void discardsWhatCannotBeRead() throws Exception {
    watchUntilIssued();
    ByteString junk = ByteString.copyFromUtf8("junk");
    expectDiscardedNext(changed(svid -> svid.setX509Svid(junk)), "cannot be read");
    expectDiscardedNext(changed(svid -> svid.setBundle(junk)), "bundle of shop.test");
    expectDiscardedNext(changed(svid -> svid.setX509SvidKey(junk)), "unusable private key");
    expectDiscardedNext(changed(svid -> svid.setSpiffeId("http://x")), "does not start with");
  }

  @Test
  void discardsACertificateOfAnotherIdThanTheMessageSays() throws Exception {
    expectDiscarded(
        changed(svid -> svid.setSpiffeId(BATCH.toString())), "carries a certificate of " + ORDERS);
  }

  @Test
  void discardsAnSvidWithTheKeyOfAnother() throws Exception {
    IssuedSvid other = mesh.trustDomain().issue(ORDERS);
    expectDiscarded(
        changed(svid -> svid.setX509SvidKey(ByteString.copyFrom(other.privateKey().getEncoded()))),
        "private key of another certificate");
  }

  @Test
  void takesTheBundleButNotTheSvidThatItDoesNotVerify() throws Exception {
    WorkloadIdentity before = watchUntilIssued();
    TestTrustDomain namesake = TestTrustDomain.create("shop.test");

    api.rotate();
    WorkloadIdentity rotated = issued();
    ByteString leaf = ByteString.copyFrom(before.svid().leaf().getEncoded());
    api.sendRaw(
        changed(
            svid ->
                svid.setX509Svid(leaf)
                    .setX509SvidKey(ByteString.copyFrom(before.svid().privateKey().getEncoded()))
                    .setBundle(ByteString.copyFrom(namesake.x509Bundle()))));

    WorkloadIdentity after = issued();
    assertThat(after.svid()).isEqualTo(rotated.svid());
    assertThat(after.bundles().get(ORDERS.trustDomain()))
        .isEqualTo(new TrustBundle(ORDERS.trustDomain(), namesake.x509Authorities()));
    assertThat(failed().reason()).contains("unknown_authority");
  }

  @Test
  void discardsAFirstSvidThatItsOwnBundleDoesNotVerify() throws Exception {
    TestTrustDomain namesake = TestTrustDomain.create("shop.test");
    api.sendRaw(changed(svid -> svid.setBundle(ByteString.copyFrom(namesake.x509Bundle()))));

    watch(new SvidChoice(null, null));

    assertThat(failed().reason()).contains("discarded a message").contains("unknown_authority");
  }

  @Test
  void takesFederatedBundlesAndTheirRedaction() throws Exception {
    TestTrustDomain partner = TestTrustDomain.create("partner.test");
    watchUntilIssued();

    mesh.trustDomain().federateWith(partner);
    assertThat(issued().bundles())
        .containsOnlyKeys(ORDERS.trustDomain(), partner.name())
        .containsEntry(partner.name(), new TrustBundle(partner.name(), partner.x509Authorities()));
    mesh.trustDomain().stopFederatingWith(partner);
    assertThat(issued().bundles()).containsOnlyKeys(ORDERS.trustDomain());
  }

  @Test
  void anEmptyFederatedBundleTrustsNothingAndNoneReplacesOurOwn() throws Exception {
    WorkloadIdentity before = watchUntilIssued();

    api.sendRaw(
        api.x509SvidMessage().toBuilder()
            .putFederatedBundles("spiffe://empty.test", ByteString.EMPTY)
            .putFederatedBundles("spiffe://shop.test", ByteString.EMPTY)
            .build());

    Map<TrustDomain, TrustBundle> bundles = issued().bundles();
    assertThat(bundles)
        .containsEntry(
            TrustDomain.parse("empty.test"),
            new TrustBundle(TrustDomain.parse("empty.test"), List.of()))
        .containsEntry(ORDERS.trustDomain(), before.bundles().get(ORDERS.trustDomain()));
  }

  @Test
  void takesTheBundleOfEachSvidThatIsOfferedTheFirstOfATrustDomainCounting() throws Exception {
    WorkloadIdentity before = watchUntilIssued();
    TestTrustDomain partner = TestTrustDomain.create("partner.test");
    TestTrustDomain namesake = TestTrustDomain.create("partner.test");
    X509SVID own = api.x509SvidMessage().getSvids(0);

    api.sendRaw(
        api.x509SvidMessage().toBuilder()
            .addSvids(another(own, "spiffe://partner.test/a", partner.x509Bundle()))
            .addSvids(another(own, "spiffe://partner.test/b", namesake.x509Bundle()))
            .addSvids(another(own, "spiffe://shop.test/b", namesake.x509Bundle()))
            .putFederatedBundles("spiffe://partner.test", ByteString.EMPTY)
            .build());

    WorkloadIdentity after = issued();
    assertThat(after.svid().id()).isEqualTo(ORDERS);
    assertThat(after.bundles())
        .containsOnlyKeys(ORDERS.trustDomain(), partner.name())
        .containsEntry(partner.name(), new TrustBundle(partner.name(), partner.x509Authorities()))
        .containsEntry(ORDERS.trustDomain(), before.bundles().get(ORDERS.trustDomain()));
    api.rotate();
    assertThat(issued().bundles()).containsOnlyKeys(ORDERS.trustDomain());
  }

  @Test
  void discardsAMessageWithAFederatedBundleThatCannotBeRead() throws Exception {
    watchUntilIssued();
    X509SVIDResponse good = api.x509SvidMessage();
    ByteString junk = ByteString.copyFromUtf8("junk");
    expectDiscardedNext(
        good.toBuilder().putFederatedBundles("spiffe://a.test", junk).build(), "'spiffe://a.test'");
    expectDiscardedNext(
        good.toBuilder().putFederatedBundles("spiffe://A B", ByteString.EMPTY).build(),
        "'spiffe://A B'");
    expectDiscardedNext(
        good.toBuilder()
            .putFederatedBundles("spiffe://a.test", ByteString.EMPTY)
            .putFederatedBundles("spiffe://A.test", ByteString.EMPTY)
            .build(),
        "comes twice");
  }

  @Test
  void asksAgainWhenToldThoughTheOldStreamIsStillOpen() throws Exception {
    watchUntilIssued();
    WorkloadApiSource watched = requireNonNull(source);

    watched.refresh();

    issued();
    assertThat(watched.opened()).isEqualTo(2);
    api.rotate();
    issued();
    Eventually.await("the old stream's end", () -> api.openStreams() == 1);
  }

  @ParameterizedTest
  @EnumSource
  void issuesOnlyWhatPeersWouldAccept(Variation variation) throws Exception {
    WorkloadEntry entry = WorkloadEntry.of(ORDERS);
    api.serve(entry.options(entry.options().with(variation)));

    watch(new SvidChoice(null, null));

    if (ExpectedReasons.of(variation) == null && variation != Variation.WRONG_KEY) {
      issued();
    } else {
      assertThat(failed().retrying()).isTrue();
    }
  }

  private void expectDiscarded(X509SVIDResponse message, String words) throws Exception {
    watchUntilIssued();
    expectDiscardedNext(message, words);
  }

  private void expectDiscardedNext(X509SVIDResponse message, String words) throws Exception {
    api.sendRaw(message);
    IdentityUpdate.Failed failed = failed();
    assertThat(failed.retrying()).isTrue();
    assertThat(failed.reason()).contains("discarded a message").contains(words);
  }

  /** Another SVID of a message, of which only the bundle matters. */
  private static X509SVID another(X509SVID svid, String id, byte[] bundle) {
    return svid.toBuilder().setSpiffeId(id).setBundle(ByteString.copyFrom(bundle)).build();
  }

  private X509SVIDResponse changed(UnaryOperator<X509SVID.Builder> change) {
    X509SVIDResponse.Builder message = api.x509SvidMessage().toBuilder();
    message.setSvids(0, change.apply(message.getSvids(0).toBuilder()));
    return message.build();
  }

  private WorkloadIdentity watchUntilIssued() throws Exception {
    watch(new SvidChoice(null, null));
    return issued();
  }

  private void watch(SvidChoice choice) {
    client = new WorkloadApi(WorkloadApiEndpoint.parse(api.address(), Map.of()));
    source = new WorkloadApiSource(client, choice, Clock.systemUTC(), new Random(7));
    source.watch(updates::add);
  }

  private WorkloadIdentity issued() throws Exception {
    return next(IdentityUpdate.Issued.class).identity();
  }

  private IdentityUpdate.Withdrawn withdrawn() throws Exception {
    return next(IdentityUpdate.Withdrawn.class);
  }

  private IdentityUpdate.Failed failed() throws Exception {
    return next(IdentityUpdate.Failed.class);
  }

  /** The next update, which must be of a kind; tries that fail before a success are passed over. */
  private <U extends IdentityUpdate> U next(Class<U> kind) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      IdentityUpdate update = updates.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (kind.isInstance(update)) {
        return kind.cast(update);
      }
      if (kind != IdentityUpdate.Issued.class && !(update instanceof IdentityUpdate.Issued)) {
        throw new AssertionError("expected " + kind.getSimpleName() + ", was " + update);
      }
    }
    throw new AssertionError("no " + kind.getSimpleName() + " within " + PATIENCE);
  }
}
