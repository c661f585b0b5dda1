package io.meshward.runtime;

import static io.meshward.runtime.HoldRows.held;

import io.meshward.schemas.Subject;
import io.meshward.testkit.IssueOptions;
import java.time.Duration;
import java.util.function.Supplier;

/**
 * Peers that were good once and come again with the session of then. A server's peer resumes it
 * wherever it is let; our client does by itself, with the JDK's TLS, on the channel that it has.
 */
final class ResumptionRows {
  private ResumptionRows() {}

  static void addTo(Rows rows) {
    MatrixShop shop = rows.shop;
    Supplier<Shown> good = () -> rows.good;
    Supplier<Shown> foreign = () -> rows.foreign(shop.partner);
    Shown brief =
        Shown.of(
            shop.own.issue(rows.peer, IssueOptions.DEFAULT.timeToLive(Duration.ofMinutes(10))));
    Subject address = new Subject(Subject.Kind.IP, null, "127.0.0.1");
    Wrong.Event hold = held(rows, Subject.of(rows.peer), null);

    rows.resumes("a hold", "quarantined", good, hold);
    rows.resumes("a hold on the address", "quarantined", good, held(rows, address, null));
    rows.resumes(
        "a rotation whose older SVIDs were held",
        "quarantined",
        good,
        held(rows, Subject.of(rows.peer), shop.clock.instant().plusSeconds(60)));
    rows.resumes(
        "a hold on this side", "own_quarantined", good, held(rows, Subject.of(rows.self), null));
    rows.resumes("the end of the federation", "unknown_trust_domain", foreign, shop.expelled());
    rows.resumes(
        "the rotation of its authority",
        "unknown_authority",
        () -> rows.foreign(shop.rotating),
        shop.rotated());
    rows.resumes("its expiry", "expired", () -> brief, shop.later(Duration.ofMinutes(20)));
    rows.resumes(
        "this side's SVID was withdrawn", "own_svid_unavailable", good, shop.redacted(rows.role));

    rows.resumesAfterRestart("a hold", "quarantined", good, hold);
    rows.resumesAfterRestart(
        "the end of the federation", "unknown_trust_domain", foreign, shop.expelled());
  }
}
