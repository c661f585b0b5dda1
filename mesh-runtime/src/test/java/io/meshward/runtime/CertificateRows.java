package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.util.Arrays;

/** Peers that show what is no good SVID, or not that of whoever is expected. */
final class CertificateRows {
  private static final String INVALID = RejectionReason.INVALID_SPIFFE_ID.code();

  /** BoringSSL looks at the key usage before it asks for a verdict. */
  private static final String KEY_USAGE = RejectionReason.NO_DIGITAL_SIGNATURE.code();

  private CertificateRows() {}

  static void addTo(Rows rows) {
    ForgedSvids forged = new ForgedSvids(rows.shop.own);
    variations(rows);
    ids(rows, forged);
    authorities(rows, forged);
    chains(rows, forged);
    if (rows.role == Role.CLIENT) {
      rows.shows(
          "the peer is another workload than the one that was dialled",
          "unexpected_peer_id",
          Shown.of(rows.shop.own.issue(rows.self)));
    }
  }

  private static void variations(Rows rows) {
    Arrays.stream(Variation.values())
        .filter(variation -> variation.verdict() != Variation.Verdict.VALID)
        // The JDK, by which the attacker speaks TLS, cannot load it.
        .filter(variation -> variation != Variation.NO_SUBJECT_NAMES_NOT_CRITICAL)
        .forEach(
            variation -> {
              String verdict =
                  variation == Variation.WRONG_KEY
                      ? "signature"
                      : requireNonNull(ExpectedReasons.of(variation)).code();
              rows.shows(
                  said(variation),
                  variation == Variation.ROOT_ITSELF ? KEY_USAGE : verdict,
                  verdict,
                  Shown.of(rows.shop.own.issue(rows.peer, IssueOptions.DEFAULT.with(variation))));
            });
  }

  private static String said(Variation variation) {
    return switch (variation) {
      case NO_DIGITAL_SIGNATURE -> "the key may not sign handshakes";
      case KEY_USAGE_NOT_CRITICAL -> "the key usage is not critical";
      case NO_KEY_USAGE -> "the certificate has no key usage";
      case NO_SERVER_AUTH -> "the certificate is for clients only";
      case NO_CLIENT_AUTH -> "the certificate is for servers only";
      case CERTIFICATE_AUTHORITY -> "the leaf is a certificate of an authority";
      case KEY_CERT_SIGN -> "the key may sign certificates (keyCertSign)";
      case CRL_SIGN -> "the key may sign revocation lists (cRLSign)";
      case ROOT_ITSELF -> "the root itself is shown";
      case TWO_SPIFFE_IDS -> "the certificate has two SPIFFE IDs";
      case HTTPS_URI_TOO -> "the certificate has two URI names, one of them no SPIFFE ID";
      case HTTPS_URI_ONLY -> "the only URI name is no SPIFFE ID";
      case NO_URI -> "the certificate has a DNS name and no URI name";
      case NO_NAMES -> "the certificate has no names at all, but an ID as its common name";
      case NO_PATH -> "the ID has no path";
      case MALFORMED_ID -> "the ID has an empty segment";
      case EXPIRED -> "the certificate has expired";
      case NOT_YET_VALID -> "the certificate is not valid yet";
      case WRONG_KEY -> "the private key is not the certificate's";
      case IMPOSTOR_ISSUER -> "the signer is an impostor with the name of our authority";
      case BROKEN_SIGNATURE -> "the signature is broken";
      case UNKNOWN_CRITICAL_EXTENSION -> "a critical extension is unknown";
      case INTERMEDIATE_MISSING -> "the intermediate is missing";
      case INTERMEDIATE_NOT_AUTHORITY -> "the intermediate is no authority";
      case INTERMEDIATE_EXPIRED -> "the intermediate has expired";
      case NAME_CONSTRAINTS_EXCLUDE -> "the name constraints exclude our trust domain";
      case DNS_NAMES,
          NO_EXTENDED_KEY_USAGE,
          NO_SUBJECT,
          RSA_KEY,
          UNKNOWN_EXTENSION,
          UPPER_CASE_TRUST_DOMAIN,
          INTERMEDIATE,
          NAME_CONSTRAINTS_PERMIT,
          NO_SUBJECT_NAMES_NOT_CRITICAL ->
          throw new IllegalArgumentException(variation + " is in no row");
    };
  }

  private static void ids(Rows rows, ForgedSvids forged) {
    String path = rows.peer.path();
    String named = "spiffe://shop.test";
    rows.shows("the ID has a query", INVALID, forged.named(named + path + "?a=b"));
    rows.shows("the ID has a fragment", INVALID, forged.named(named + path + "#a"));
    rows.shows("the ID has an empty fragment", INVALID, forged.named(named + path + "#"));
    rows.shows("the ID has a percent code", INVALID, forged.named(named + "/ns%2Fshop"));
    rows.shows("the ID has a dot segment", INVALID, forged.named(named + "/ns/../orders"));
    rows.shows("the ID ends in a slash", INVALID, forged.named(rows.peer + "/"));
    rows.shows("the ID has a user", INVALID, forged.named("spiffe://me@shop.test" + path));
    rows.shows("the ID has a port", INVALID, forged.named("spiffe://shop.test:1" + path));
    rows.shows("the ID has no trust domain", INVALID, forged.named("spiffe://" + path));
    rows.shows(
        "the ID's trust domain has 256 bytes",
        INVALID,
        forged.named("spiffe://" + "a".repeat(256) + path));
    rows.shows("the ID has 2049 bytes", INVALID, forged.named(named + "/" + "a".repeat(2030)));
    rows.shows("the ID is of another scheme", INVALID, forged.named("spiffy://shop.test" + path));
  }

  private static void authorities(Rows rows, ForgedSvids forged) {
    SpiffeId id = rows.peer;
    TestTrustDomain own = rows.shop.own;
    TestTrustDomain partner = rows.shop.partner;
    TestTrustDomain stranger = rows.shop.stranger;
    rows.shows("nobody knows the authority", "unknown_authority", Shown.of(stranger.issue(id)));
    rows.shows(
        "nobody knows the trust domain",
        "unknown_trust_domain",
        Shown.of(stranger.issue(stranger.name().id(id.path()))));
    rows.shows(
        "our authority signed an ID of a trust domain that nobody knows",
        "td_bundle_mismatch",
        Shown.of(own.issue(stranger.name().id(id.path()))));
    rows.shows(
        "the partner's authority signed an ID of our trust domain",
        "td_bundle_mismatch",
        Shown.of(partner.issue(id)));
    rows.shows(
        "our authority signed an ID of the partner's trust domain",
        "td_bundle_mismatch",
        Shown.of(own.issue(partner.name().id(id.path()))));
    rows.shows("the certificate is signed by itself", "unknown_authority", forged.selfSigned(id));
    rows.shows(
        "a workload signed the certificate",
        "path:not_authority",
        forged.signedByLeaf(id, rows.good));
  }

  private static void chains(Rows rows, ForgedSvids forged) {
    SpiffeId id = rows.peer;
    // BoringSSL hands over the first ten; the JDK takes no more than that.
    rows.shows(
        "the chain has twelve certificates",
        "unknown_authority",
        RejectionReason.CHAIN_TOO_LONG.code(),
        forged.below(id, 11, 20));
    rows.shows("the path is longer than allowed", "path:too_long", forged.below(id, 2, 0));
    rows.shows(
        "the intermediate may not sign certificates",
        "path:not_authority",
        forged.belowAnAuthorityThatMayNotSign(id));
    rows.shows(
        "the intermediate is not valid yet",
        "path:not_yet_valid",
        forged.belowAnAuthorityOfTomorrow(id));
    rows.shows("a key is too costly to use", "key_too_costly", forged.belowACostlyKey(id));
    rows.shows(
        "the authority is in the leaf's place",
        KEY_USAGE,
        RejectionReason.NO_URI_SAN.code(),
        forged.inTheWrongOrder(id));
  }
}
