package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The three answers of gRFC A69. */
class RevocationListsTest {
  private static final TestTrustDomain DOMAIN = TestTrustDomain.create("shop.test");
  private static final SpiffeId ID = DOMAIN.name().id("/orders");
  private static final ForgedSvids FORGED = new ForgedSvids(DOMAIN);
  private static final ForgedSvids.Signer ROOT = FORGED.root();
  private static final TrustBundle BUNDLE =
      new TrustBundle(DOMAIN.name(), List.of(ROOT.certificate()));

  private final Instant now = Instant.now();
  private final Shown svid = Shown.of(DOMAIN.issue(ID));
  private final Shown other = Shown.of(DOMAIN.issue(ID));

  @Test
  void aListThatCoversTheIssuerAndDoesNotNameTheCertificateClearsIt() {
    assertThat(status(TestRevocations.by(ROOT).list(other.leaf())))
        .isEqualTo(RevocationStatus.UNREVOKED);
  }

  @Test
  void aListThatNamesItRevokesIt() {
    assertThat(status(TestRevocations.by(ROOT).list(svid.leaf(), other.leaf())))
        .isEqualTo(RevocationStatus.REVOKED);
  }

  @Test
  void withoutAListNothingIsKnown() {
    assertThat(status()).isEqualTo(RevocationStatus.UNDETERMINED);
  }

  @Test
  void aListOfAnotherAuthorityCoversNothing() {
    ForgedSvids stranger = new ForgedSvids(TestTrustDomain.create("stranger.test"));

    assertThat(status(TestRevocations.by(stranger.root()).list(svid.leaf())))
        .isEqualTo(RevocationStatus.UNDETERMINED);
  }

  @Test
  void aListThatOnlyBearsTheNameOfTheAuthorityCoversNothing() {
    ForgedSvids stranger = new ForgedSvids(TestTrustDomain.create("stranger.test"));
    ForgedSvids.Signer impostor = new ForgedSvids.Signer(ROOT.certificate(), stranger.root().key());

    assertThat(status(TestRevocations.by(impostor).list(svid.leaf())))
        .isEqualTo(RevocationStatus.UNDETERMINED);
  }

  @Test
  void aListOutOfDateClearsNobodyAndStillRevokes() {
    TestRevocations old =
        TestRevocations.by(ROOT)
            .from(now.minus(Duration.ofDays(2)))
            .until(now.minus(Duration.ofDays(1)));

    assertThat(status(old.list())).isEqualTo(RevocationStatus.UNDETERMINED);
    assertThat(status(old.list(svid.leaf()))).isEqualTo(RevocationStatus.REVOKED);
  }

  @Test
  void aListOfTomorrowClearsNobody() {
    assertThat(status(TestRevocations.by(ROOT).from(now.plus(Duration.ofDays(1))).list()))
        .isEqualTo(RevocationStatus.UNDETERMINED);
  }

  @Test
  void aDeltaClearsNobody() {
    assertThat(status(TestRevocations.by(ROOT).delta().list()))
        .isEqualTo(RevocationStatus.UNDETERMINED);
  }

  @Test
  void eachCertificateOfTheChainIsLookedAt() {
    ForgedSvids.Signer intermediate = FORGED.intermediate();
    Shown below = FORGED.issuedBy(intermediate, ID);
    RevocationList ofLeaf = TestRevocations.by(intermediate).list();
    RevocationList ofIntermediate = TestRevocations.by(ROOT).list();

    assertThat(status(below, ofLeaf)).isEqualTo(RevocationStatus.UNDETERMINED);
    assertThat(status(below, ofIntermediate)).isEqualTo(RevocationStatus.UNDETERMINED);
    assertThat(status(below, ofLeaf, ofIntermediate)).isEqualTo(RevocationStatus.UNREVOKED);
    assertThat(status(below, TestRevocations.by(ROOT).list(intermediate.certificate())))
        .isEqualTo(RevocationStatus.REVOKED);
    assertThat(status(below, ofIntermediate, TestRevocations.by(intermediate).list(below.leaf())))
        .isEqualTo(RevocationStatus.REVOKED);
  }

  @Test
  void whatIsNoListIsNotRead() {
    assertThatThrownBy(() -> RevocationList.parseDer(new byte[] {1, 2, 3}))
        .isInstanceOf(CRLException.class);
    assertThatThrownBy(() -> RevocationList.parse(new byte[0])).isInstanceOf(CRLException.class);
  }

  @Test
  void aDirectoryIsReadAgainWhenItChanges(@TempDir Path folder) throws IOException {
    CrlDirectory directory = new CrlDirectory(folder);
    assertThat(directory.read()).isEmpty();

    Files.write(folder.resolve("root.crl"), TestRevocations.by(ROOT).der(svid.leaf()));
    assertThat(directory.read()).containsExactly(written(folder));
    assertThat(directory.problems()).isEmpty();

    Files.delete(folder.resolve("root.crl"));
    assertThat(directory.read()).isEmpty();
  }

  @Test
  void aFileThatCannotBeReadLeavesWhatItHeldInForceAndIsTold(@TempDir Path folder)
      throws IOException {
    Path file = folder.resolve("root.crl");
    CrlDirectory directory = new CrlDirectory(folder);
    Files.write(file, TestRevocations.by(ROOT).der(svid.leaf()));
    List<RevocationList> before = directory.read();

    Files.writeString(file, "half a fi");

    assertThat(directory.read()).isEqualTo(before).hasSize(1);
    assertThat(directory.problems()).containsOnlyKeys(file);
    Files.write(file, TestRevocations.by(ROOT).der());
    assertThat(directory.read()).isNotEqualTo(before).hasSize(1);
    assertThat(directory.problems()).isEmpty();
  }

  private static RevocationList written(Path folder) throws IOException {
    try {
      return RevocationList.parseDer(Files.readAllBytes(folder.resolve("root.crl")));
    } catch (CRLException e) {
      throw new IllegalStateException(e);
    }
  }

  private RevocationStatus status(RevocationList... lists) {
    return status(svid, lists);
  }

  private RevocationStatus status(Shown of, RevocationList... lists) {
    return new RevocationLists(List.of(lists), false).of(of.chain(), BUNDLE, now);
  }
}
