package io.meshward.testkit;

import static io.meshward.testkit.ReferenceValidator.Finding;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VariationTest {

  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final TestTrustDomain shop =
      TestTrustDomain.create(TrustDomain.parse("shop.test"), Clock.fixed(NOW, ZoneOffset.UTC));

  @Test
  void nothingIsWrongWithAPlainSvid() throws Exception {
    assertThat(new ReferenceValidator(shop, NOW).check(shop.issue(ORDERS)))
        .isEqualTo(Finding.NOTHING);
  }

  @ParameterizedTest
  @EnumSource
  void eachVariationIsWhatItSays(Variation variation) throws Exception {
    IssuedSvid svid = shop.issue(ORDERS, IssueOptions.DEFAULT.with(variation));

    Finding finding = new ReferenceValidator(shop, NOW).check(svid);

    assertThat(finding).isEqualTo(expected(variation));
    assertThat(finding == Finding.NOTHING)
        .isEqualTo(variation.verdict() == Variation.Verdict.VALID);
  }

  private static Finding expected(Variation variation) {
    return switch (variation) {
      case DNS_NAMES,
          NO_EXTENDED_KEY_USAGE,
          NO_SUBJECT,
          RSA_KEY,
          UNKNOWN_EXTENSION,
          UPPER_CASE_TRUST_DOMAIN,
          INTERMEDIATE,
          NAME_CONSTRAINTS_PERMIT ->
          Finding.NOTHING;
      case NO_DIGITAL_SIGNATURE, KEY_USAGE_NOT_CRITICAL, NO_KEY_USAGE -> Finding.ISSUER_KEY_USAGE;
      case NO_SERVER_AUTH, NO_CLIENT_AUTH -> Finding.ISSUER_EXTENDED_KEY_USAGE;
      case NO_SUBJECT_NAMES_NOT_CRITICAL -> Finding.UNPARSEABLE;
      case CERTIFICATE_AUTHORITY -> Finding.AUTHORITY;
      case KEY_CERT_SIGN, CRL_SIGN -> Finding.SIGNING_KEY_USAGE;
      case TWO_SPIFFE_IDS, HTTPS_URI_TOO, NO_URI, NO_NAMES -> Finding.URI_COUNT;
      case HTTPS_URI_ONLY, MALFORMED_ID -> Finding.ID;
      case NO_PATH, ROOT_ITSELF -> Finding.PATH;
      case WRONG_KEY -> Finding.KEY;
      case EXPIRED,
          NOT_YET_VALID,
          IMPOSTOR_ISSUER,
          BROKEN_SIGNATURE,
          UNKNOWN_CRITICAL_EXTENSION,
          INTERMEDIATE_MISSING,
          INTERMEDIATE_NOT_AUTHORITY,
          INTERMEDIATE_EXPIRED,
          NAME_CONSTRAINTS_EXCLUDE ->
          Finding.CHAIN;
    };
  }
}
