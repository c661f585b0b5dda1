package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.security.cert.CRLException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever bytes come as a list or a staple: they decide nothing, or what an authority signed. */
class RevocationFuzzTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final SpiffeId ORDERS = SHOP.name().id("/ns/shop/sa/orders");
  private static final SpiffeId RESPONDER = SHOP.name().id("/ns/mesh/sa/status");
  private static final IssuedSvid GOOD = SHOP.issue(ORDERS);
  private static final IssuedSvid REVOKED = SHOP.issue(ORDERS);
  private static final X509Certificate ROOT = SHOP.x509Authorities().get(0);
  private static final byte[] LIST =
      TestRevocations.by(new ForgedSvids(SHOP).root()).der(REVOKED.leaf());
  private static final X509Svid RESPONDERS = X509Svids.of(SHOP.issue(RESPONDER));
  private static final byte[] STAPLE =
      new StatusSigner(() -> RESPONDERS, X509Svids.admission(SHOP, RESPONDER), Clock.systemUTC())
          .sign(List.of(GOOD.leaf()), ROOT, Duration.ofMinutes(10));
  private static final StapleVerifier VERIFIER =
      new StapleVerifier(X509Svids.admission(SHOP, ORDERS), RESPONDER);
  private static final Instant UNTIL = verified();

  private static Instant verified() {
    try {
      return verify(STAPLE).nextUpdate();
    } catch (StapleVerifier.NotGoodException e) {
      throw new IllegalStateException(e);
    }
  }

  @FuzzTest
  void anyListSaysWhatWasSignedOrNothing(byte[] bytes) {
    judgeLists(bytes);
  }

  @FuzzTest
  void anyStapleIsRefusedOrTheOneThatWasSigned(byte[] bytes) {
    judgeStaple(bytes);
  }

  @Test
  void theListAsItWasSignedCounts() throws CRLException {
    RevocationList list = RevocationList.parseDer(LIST);

    assertThat(list.status(GOOD.leaf(), ROOT, Instant.now())).isEqualTo(RevocationStatus.UNREVOKED);
    assertThat(list.status(REVOKED.leaf(), ROOT, Instant.now()))
        .isEqualTo(RevocationStatus.REVOKED);
  }

  @Test
  void changedListsSayNothingElse() {
    for (long seed = 0; seed < 2_000; seed++) {
      byte[] changed = changed(LIST, seed);
      under(seed, () -> judgeLists(changed));
    }
  }

  @Test
  void changedStaplesAreRefused() {
    for (long seed = 0; seed < 1_000; seed++) {
      byte[] changed = changed(STAPLE, seed);
      under(seed, () -> judgeStaple(changed));
    }
  }

  private static byte[] changed(byte[] bytes, long seed) {
    Random random = Seeded.random(seed);
    byte[] changed = bytes;
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      changed = Seeded.changed(changed, random);
    }
    return changed;
  }

  private static void under(long seed, Runnable check) {
    try {
      check.run();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private static void judgeLists(byte[] bytes) {
    List<RevocationList> lists;
    try {
      lists = RevocationList.parse(bytes);
    } catch (CRLException e) {
      return;
    }
    for (RevocationList list : lists) {
      assertThat(list.status(GOOD.leaf(), ROOT, Instant.now()))
          .isNotEqualTo(RevocationStatus.REVOKED);
      assertThat(list.status(REVOKED.leaf(), ROOT, Instant.now()))
          .isNotEqualTo(RevocationStatus.UNREVOKED);
    }
  }

  private static void judgeStaple(byte[] der) {
    try {
      assertThat(verify(der).nextUpdate()).isEqualTo(UNTIL);
    } catch (StapleVerifier.NotGoodException e) {
      assertThat(e.reason()).isIn(RejectionReason.STAPLE_INVALID, RejectionReason.STAPLE_UNKNOWN);
    }
  }

  private static StapleVerifier.Good verify(byte[] der) throws StapleVerifier.NotGoodException {
    return VERIFIER.verify(der, GOOD.certificates(), X509Svids.bundle(SHOP));
  }
}
