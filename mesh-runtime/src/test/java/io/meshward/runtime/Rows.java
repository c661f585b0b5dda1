package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.runtime.Wrong.Event;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.TestTrustDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The ways to be wrong towards one side, as they are written down. */
final class Rows {
  final MatrixShop shop;

  /** The side that is ours. */
  final Role role;

  final SpiffeId self;
  final SpiffeId peer;

  /** What a peer shows with which nothing is wrong. */
  final Shown good;

  private final List<Wrong> all = new ArrayList<>();

  private Rows(MatrixShop shop, Role role) {
    this.shop = shop;
    this.role = role;
    self = role == Role.SERVER ? shop.orders : shop.frontend;
    peer = role == Role.SERVER ? shop.frontend : shop.orders;
    good = Shown.of(shop.own.issue(peer));
  }

  static List<Wrong> of(MatrixShop shop, Role role) {
    Rows rows = new Rows(shop, role);
    CertificateRows.addTo(rows);
    TlsRows.addTo(rows);
    HoldRows.addTo(rows);
    ResumptionRows.addTo(rows);
    CallRows.addTo(rows);
    return List.copyOf(rows.all);
  }

  /** What a peer of another trust domain that is called the same shows, by its authority of now. */
  Shown foreign(TestTrustDomain domain) {
    return Shown.of(domain.issue(domain.name().id(peer.path())));
  }

  void add(String what, String reason, Attack attack) {
    add(what, reason, reason, attack);
  }

  void add(String what, String byBoringSsl, String byJdk, Attack attack) {
    all.add(new Wrong(what, byBoringSsl, byJdk, attack));
  }

  void shows(String what, String reason, Shown shown) {
    shows(what, reason, reason, shown);
  }

  void shows(String what, String byBoringSsl, String byJdk, Shown shown) {
    add(what, byBoringSsl, byJdk, new Attack.Shows(shown, Speech.USUAL));
  }

  void speaks(String what, String reason, Speech speech) {
    add(what, reason, new Attack.Shows(good, speech));
  }

  void says(String what, String reason, byte[] bytes, boolean closes) {
    add(what, reason, new Attack.Says(ByteString.copyFrom(bytes), closes));
  }

  void meanwhile(String what, String reason, Event event) {
    add(what, reason, new Attack.Meanwhile(event, new Attack.Shows(good, Speech.USUAL)));
  }

  /** A session is resumed after something happened. */
  void resumes(String what, String reason, Supplier<Shown> shown, Event event) {
    add("a session is resumed after " + what, reason, new Attack.Resumes(shown, event));
  }

  void resumesAfterRestart(String what, String reason, Supplier<Shown> shown, Event event) {
    add(
        "a session of before a restart of this side is resumed after " + what,
        reason,
        new Attack.ResumesAfterRestart(shown, event));
  }
}
