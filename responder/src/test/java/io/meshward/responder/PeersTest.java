package io.meshward.responder;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Enforcement.Outcome;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.TrustDomain;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class PeersTest {
  private static final TrustDomain SHOP_TEST = TrustDomain.parse("shop.test");
  private static final Subject ADDRESS = new Subject(Subject.Kind.IP, null, "10.1.2.3");
  private static final Subject KEY = new Subject(Subject.Kind.KEY_HASH, SHOP_TEST, "ab".repeat(32));

  private final Peers peers = new Peers();

  @Test
  void whoSparesAProtectedIdentityGoesOnToRefuseTheOthersOfAWideHold() {
    report(ADDRESS, Outcome.APPLIED, 2);
    report(ADDRESS, Outcome.REFUSED_PROTECTED, 0);

    assertThat(report()).isEqualTo(new Peers.Report(1, 1, 0, 0, 2));
  }

  @Test
  void whoSparesTheOnlyOneThatAHoldIsOnRefusesNobody() {
    report(KEY, Outcome.APPLIED, 0);
    report(KEY, Outcome.REFUSED_PROTECTED, 0);

    assertThat(report()).isEqualTo(new Peers.Report(0, 0, 0, 1, 0));
  }

  @Test
  void connectionsThatWereCutInTurnAreAddedUp() {
    report(ADDRESS, Outcome.REFUSED_PROTECTED, 0);
    report(ADDRESS, Outcome.APPLIED, 2);
    report(ADDRESS, Outcome.APPLIED, 1);

    assertThat(report()).isEqualTo(new Peers.Report(1, 1, 0, 0, 3));
  }

  private void report(Subject subject, Outcome outcome, int cut) {
    peers.add(
        new Enforcement(
            new Enforcement.Applied("containment-1", outcome, cut, Instant.EPOCH, null),
            subject,
            new LocalWorkload(
                SpiffeId.parse("spiffe://shop.test/orders"), null, null, "instance-1")));
  }

  private Peers.Report report() {
    return peers.of("containment-1", local -> false);
  }
}
