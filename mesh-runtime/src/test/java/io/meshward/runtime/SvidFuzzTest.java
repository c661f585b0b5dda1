package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whatever bytes come: a refusal, or the very thing that an authority signed. */
class SvidFuzzTest {
  private static final TestTrustDomain SHOP = TestTrustDomain.create("shop.test");
  private static final SpiffeId ORDERS = SHOP.name().id("/ns/shop/sa/orders");
  private static final IssuedSvid SVID = SHOP.issue(ORDERS);
  private static final String TOKEN = SHOP.issueJwt(ORDERS, Set.of("payment"), Duration.ofHours(1));
  private static final Map<TrustDomain, TrustBundle> X509 =
      Map.of(SHOP.name(), new TrustBundle(SHOP.name(), SHOP.x509Authorities()));
  private static final Map<TrustDomain, JwtBundle> JWT = jwtBundles();

  private static Map<TrustDomain, JwtBundle> jwtBundles() {
    try {
      SpiffeBundle bundle = SpiffeBundle.parse(SHOP.name(), SHOP.spiffeBundle().getBytes(UTF_8));
      return Map.of(SHOP.name(), bundle.jwt());
    } catch (MalformedBundleException e) {
      throw new IllegalStateException(e);
    }
  }

  @FuzzTest
  void anyTokenIsRefusedOrTheOneThatWasSigned(byte[] bytes) {
    judgeToken(new String(bytes, UTF_8));
  }

  @FuzzTest
  void anyCertificateIsRefusedOrTheOneThatWasSigned(byte[] bytes) {
    judgeCertificates(bytes);
  }

  @FuzzTest
  void anyBundleIsReadOrRefused(byte[] bytes) {
    readBundle(bytes);
  }

  @FuzzTest
  void anyBundleMapIsReadOrRefused(byte[] bytes) {
    readBundleMap(bytes);
  }

  @Test
  void changedTokensAreRefused() {
    for (long seed = 0; seed < 3_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] token = TOKEN.getBytes(UTF_8);
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        token = Seeded.changed(token, random);
      }
      String changed = new String(token, UTF_8);
      under(seed, () -> judgeToken(changed));
    }
  }

  @Test
  void changedCertificatesAreRefused() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] der = SVID.derChain();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        der = Seeded.changed(der, random);
      }
      byte[] changed = der;
      under(seed, () -> judgeCertificates(changed));
    }
  }

  @Test
  void changedBundlesAreReadOrRefused() {
    byte[] good = SHOP.spiffeBundle().getBytes(UTF_8);
    for (long seed = 0; seed < 5_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] bundle = good;
      for (int i = 1 + random.nextInt(4); i > 0; i--) {
        bundle = Seeded.changed(bundle, random);
      }
      byte[] changed = bundle;
      under(seed, () -> readBundle(changed));
    }
  }

  @Test
  void changedBundleMapsAreReadOrRefused() {
    byte[] good =
        ("{\"trust_domains\":{\"shop.test\":"
                + SHOP.spiffeBundle()
                + ",\"other.test\":{\"keys\":[],\"spiffe_sequence\":7}}}")
            .getBytes(UTF_8);
    for (long seed = 0; seed < 3_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] bundles = good;
      for (int i = 1 + random.nextInt(4); i > 0; i--) {
        bundles = Seeded.changed(bundles, random);
      }
      byte[] changed = bundles;
      under(seed, () -> readBundleMap(changed));
    }
  }

  private static void under(long seed, Runnable check) {
    try {
      check.run();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private static void judgeToken(String token) {
    try {
      JwtSvid svid = JwtSvidVerifier.verify(token, "payment", JWT, Instant.now(), Duration.ZERO);
      assertThat(svid.token()).isEqualTo(TOKEN);
    } catch (JwtSvidRejectedException e) {
      assertThat(e).hasMessageStartingWith(e.code());
    }
  }

  private static void judgeCertificates(byte[] der) {
    List<X509Certificate> chain;
    try {
      chain = Certificates.parseDer(der);
    } catch (CertificateException e) {
      return;
    }
    Verdict verdict = X509SvidVerifier.verify(chain, X509, Instant.now(), anyone -> true);
    if (verdict instanceof Verdict.Accepted accepted) {
      assertThat(accepted.id()).isEqualTo(ORDERS);
      assertThat(Arrays.equals(encoded(chain.get(0)), encoded(SVID.leaf())))
          .as("the accepted leaf is the one that was signed")
          .isTrue();
    }
  }

  private static byte[] encoded(X509Certificate certificate) {
    try {
      // What is signed; the signature itself has several encodings in ECDSA.
      return certificate.getTBSCertificate();
    } catch (CertificateException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void readBundle(byte[] json) {
    try {
      SpiffeBundle bundle = SpiffeBundle.parse(SHOP.name(), json);
      assertThat(bundle.x509().trustDomain()).isEqualTo(SHOP.name());
      assertThat(bundle.refreshHint()).isPositive();
    } catch (MalformedBundleException e) {
      assertThat(e).message().isNotEmpty();
    }
  }

  private static void readBundleMap(byte[] json) {
    try {
      SpiffeBundle.parseMap(json)
          .forEach(
              (trustDomain, bundle) -> {
                assertThat(bundle.x509().trustDomain()).isEqualTo(trustDomain);
                assertThat(bundle.jwt().trustDomain()).isEqualTo(trustDomain);
              });
    } catch (MalformedBundleException e) {
      assertThat(e).message().isNotEmpty();
    }
  }
}
