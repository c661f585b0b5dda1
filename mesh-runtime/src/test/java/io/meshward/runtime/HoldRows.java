package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Subject.Kind;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Peers that are held, and what else happens to them or to this side before they come. */
final class HoldRows {
  private HoldRows() {}

  static void addTo(Rows rows) {
    MatrixShop shop = rows.shop;
    Shown foreign = rows.foreign(shop.partner);
    for (Kind kind : Kind.values()) {
      // A hold on our own trust domain would be one on this side too.
      Shown shown = kind == Kind.TRUST_DOMAIN ? foreign : rows.good;
      rows.add(
          said(kind),
          "quarantined",
          new Attack.Meanwhile(
              held(rows, subject(rows, kind), null), new Attack.Shows(shown, Speech.USUAL)));
    }
    rows.add(
        "the address is held, and nothing has been said",
        "quarantined",
        new Attack.Meanwhile(
            held(rows, subject(rows, Kind.IP), null), new Attack.Says(ByteString.EMPTY, false)));
    rows.meanwhile(
        "the SVID is of before a rotation whose older SVIDs are held",
        "quarantined",
        held(rows, Subject.of(rows.peer), shop.clock.instant().plusSeconds(60)));
    rows.meanwhile(
        "this side is held itself", "own_quarantined", held(rows, Subject.of(rows.self), null));
    rows.meanwhile(
        "this side's SVID has been withdrawn", "own_svid_unavailable", shop.redacted(rows.role));
    rows.meanwhile(
        "this side's SVID has expired", "own_svid_unavailable", shop.later(Duration.ofHours(2)));
    rows.add(
        "the trust domain is not federated any more",
        "unknown_trust_domain",
        new Attack.Meanwhile(shop.expelled(), new Attack.Shows(foreign, Speech.USUAL)));
    rows.add(
        "this side has not read the holds yet",
        "quarantine_unread",
        new Attack.Against(
            builder ->
                builder
                    .quarantine(HeldIdentities.unread())
                    .quarantineDeadline(Duration.ofMillis(1)),
            new Attack.Shows(rows.good, Speech.USUAL)));
  }

  static Wrong.Event held(Rows rows, Subject subject, @Nullable Instant issuedBefore) {
    return rows.shop.held(rows.role, subject, issuedBefore);
  }

  private static String said(Kind kind) {
    return switch (kind) {
      case SPIFFE_ID -> "the ID is held";
      case PATH_PREFIX -> "all IDs below a path are held";
      case SERIAL -> "the serial number is held";
      case KEY_HASH -> "the key is held";
      case TRUST_DOMAIN -> "the trust domain is held";
      case IP -> "the address is held";
    };
  }

  private static Subject subject(Rows rows, Kind kind) {
    SpiffeId id = rows.peer;
    Shown good = rows.good;
    return switch (kind) {
      case SPIFFE_ID -> Subject.of(id);
      case PATH_PREFIX -> new Subject(kind, id.trustDomain(), id.path());
      case SERIAL ->
          new Subject(
              kind,
              id.trustDomain(),
              Certificates.authorityKeyIdentifier(good.leaf())
                  + ":"
                  + Certificates.serial(good.leaf()));
      case KEY_HASH -> new Subject(kind, id.trustDomain(), Certificates.keyHash(good.leaf()));
      case TRUST_DOMAIN ->
          new Subject(kind, rows.shop.partner.name(), rows.shop.partner.name().name());
      case IP -> new Subject(kind, null, "127.0.0.1");
    };
  }
}
