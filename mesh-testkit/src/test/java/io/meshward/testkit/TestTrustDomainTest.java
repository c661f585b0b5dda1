package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.ReferenceValidator.Finding;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TestTrustDomainTest {

  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final TestTrustDomain shop = trustDomain("shop.test");

  @Test
  void issuesSvidsAsSpireDoes() throws Exception {
    IssuedSvid svid = shop.issue(ORDERS);
    X509Certificate leaf = svid.leaf();

    assertThat(leaf.getSubjectAlternativeNames())
        .singleElement()
        .isEqualTo(List.of(6, ORDERS.toString()));
    assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
    assertThat(leaf.getKeyUsage()).startsWith(true, false, true, false, true, false, false);
    assertThat(leaf.getCriticalExtensionOIDs()).containsExactlyInAnyOrder("2.5.29.15", "2.5.29.19");
    assertThat(leaf.getExtendedKeyUsage())
        .containsExactly("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    assertThat(leaf.getPublicKey().getAlgorithm()).isEqualTo("EC");
    assertThat(svid.certificates()).hasSize(1);
    assertThat(svid.toString()).isEqualTo("SVID of " + ORDERS);
  }

  @Test
  void datesSvidsByItsClock() {
    var options = IssueOptions.DEFAULT.timeToLive(Duration.ofSeconds(60));

    IssuedSvid svid = shop.issue(ORDERS, options);
    IssuedSvid backdated = shop.issue(ORDERS, options.backdated(Duration.ofSeconds(10)));

    assertThat(svid.notBefore()).isEqualTo(NOW);
    assertThat(svid.notAfter()).isEqualTo(NOW.plusSeconds(60));
    assertThat(backdated.notBefore()).isEqualTo(NOW.minusSeconds(10));
    assertThat(backdated.notAfter()).isEqualTo(NOW.plusSeconds(60));
  }

  @Test
  void givesEachSvidItsOwnSerialNumberAndKey() {
    assertThat(shop.issue(ORDERS).serialNumber()).isNotEqualTo(shop.issue(ORDERS).serialNumber());
    assertThat(shop.issue(ORDERS).privateKey()).isNotEqualTo(shop.issue(ORDERS).privateKey());
  }

  @Test
  void signsWithARootThatCarriesTheTrustDomainsId() throws Exception {
    X509Certificate root = shop.x509Authorities().get(0);

    assertThat(root.getSubjectAlternativeNames())
        .singleElement()
        .isEqualTo(List.of(6, "spiffe://shop.test"));
    assertThat(root.getBasicConstraints()).isNotNegative();
    assertThat(Der.certificates(shop.x509Bundle())).containsExactly(root);
  }

  @Test
  void rotatesItsRootInThreeSteps() throws Exception {
    IssuedSvid old = shop.issue(ORDERS);
    shop.prepareX509Authority();
    assertThat(shop.x509Authorities()).hasSize(2);
    assertThat(shop.issue(ORDERS).leaf().getIssuerX500Principal())
        .isEqualTo(old.leaf().getIssuerX500Principal());

    shop.activateX509Authority();
    IssuedSvid fresh = shop.issue(ORDERS);
    assertThat(check(old)).isEqualTo(Finding.NOTHING);
    assertThat(check(fresh)).isEqualTo(Finding.NOTHING);

    shop.retireX509Authorities();
    assertThat(check(old)).isEqualTo(Finding.CHAIN);
    assertThat(check(fresh)).isEqualTo(Finding.NOTHING);
  }

  @Test
  void canForgeIdsOfOtherTrustDomains() throws Exception {
    TestTrustDomain other = trustDomain("other.test");

    IssuedSvid forged = other.issue(ORDERS);

    assertThat(new ReferenceValidator(other, NOW).check(forged)).isEqualTo(Finding.NOTHING);
    assertThat(check(forged)).isEqualTo(Finding.CHAIN);
  }

  @Test
  void issuesJwtSvids() throws Exception {
    SignedJWT token =
        SignedJWT.parse(shop.issueJwt(ORDERS, Set.of("payments"), Duration.ofMinutes(5)));

    JWKSet bundle = JWKSet.parse(shop.jwtBundle());
    JWK key = bundle.getKeyByKeyId(token.getHeader().getKeyID());
    assertThat(token.verify(new ECDSAVerifier((ECKey) key))).isTrue();
    assertThat(key.isPrivate()).isFalse();
    assertThat(token.getHeader().toJSONObject()).containsOnlyKeys("alg", "kid", "typ");
    assertThat(token.getJWTClaimsSet().getSubject()).isEqualTo(ORDERS.toString());
    assertThat(token.getJWTClaimsSet().getAudience()).containsExactly("payments");
    assertThat(token.getJWTClaimsSet().getExpirationTime())
        .isEqualTo(Date.from(NOW.plusSeconds(300)));
  }

  @Test
  void refusesJwtSvidsForNobody() {
    assertThatThrownBy(() -> shop.issueJwt(ORDERS, Set.of(), Duration.ofMinutes(5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("audience");
  }

  @Test
  void rotatesItsJwtKey() throws Exception {
    String before = keyId(shop);

    shop.rotateJwtAuthority();
    assertThat(keyId(shop)).isNotEqualTo(before);
    assertThat(JWKSet.parse(shop.jwtBundle()).getKeys()).hasSize(2);

    shop.retireJwtAuthorities();
    assertThat(JWKSet.parse(shop.jwtBundle()).getKeys())
        .singleElement()
        .extracting(JWK::getKeyID)
        .isEqualTo(keyId(shop));
  }

  @Test
  void writesItsBundleForFederation() throws Exception {
    JWKSet before = JWKSet.parse(shop.spiffeBundle());
    shop.prepareX509Authority();
    JWKSet after = JWKSet.parse(shop.spiffeBundle());

    assertThat(before.getKeys())
        .extracting(key -> key.getKeyUse().getValue())
        .containsExactly("x509-svid", "jwt-svid");
    JWK root = before.getKeys().get(0);
    assertThat(root.getParsedX509CertChain()).isEqualTo(shop.x509Authorities().subList(0, 1));
    assertThat(root.getKeyID()).isNull();
    assertThat(after.getKeys()).hasSize(3);
    assertThat((Long) after.getAdditionalMembers().get("spiffe_sequence"))
        .isGreaterThan((Long) before.getAdditionalMembers().get("spiffe_sequence"));
  }

  @Test
  void doesNotFederateWithItself() {
    assertThatThrownBy(() -> shop.federateWith(trustDomain("shop.test")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shop.test");
  }

  private Finding check(IssuedSvid svid) throws Exception {
    return new ReferenceValidator(shop, NOW).check(svid);
  }

  private static String keyId(TestTrustDomain trustDomain) throws Exception {
    return SignedJWT.parse(trustDomain.issueJwt(ORDERS, Set.of("payments"), Duration.ofMinutes(5)))
        .getHeader()
        .getKeyID();
  }

  private static TestTrustDomain trustDomain(String name) {
    return TestTrustDomain.create(TrustDomain.parse(name), Clock.fixed(NOW, ZoneOffset.UTC));
  }
}
