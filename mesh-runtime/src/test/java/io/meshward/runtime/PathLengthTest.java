package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The path length in the authority's own certificate (RFC 5280 4.2.1.9). */
class PathLengthTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  private final Instant now = Instant.now();

  /** A certificate with its key. */
  private record Issued(X509Certificate certificate, KeyPair key) {}

  @Test
  void anAuthorityAllowsAsManyIntermediatesAsItSays() throws Exception {
    for (int allowed = 0; allowed < 3; allowed++) {
      Issued root = authority("root", null, allowed);
      Issued first = authority("first", root, 5);
      Issued second = authority("second", first, 5);

      assertThat(accepts(root, leaf(root))).isTrue();
      assertThat(accepts(root, leaf(first), first)).isEqualTo(allowed >= 1);
      assertThat(accepts(root, leaf(second), second, first)).isEqualTo(allowed >= 2);
      // An intermediate in the bundle is an anchor itself, and what is above it counts no more.
      assertThat(accepts(second, leaf(second), second, first)).isTrue();
    }
  }

  private boolean accepts(Issued anchor, Issued leaf, Issued... intermediates) {
    TrustDomain shop = ORDERS.trustDomain();
    List<X509Certificate> chain =
        Stream.concat(Stream.of(leaf), List.of(intermediates).stream())
            .map(Issued::certificate)
            .toList();
    Verdict verdict =
        X509SvidVerifier.verify(
            chain,
            Map.of(shop, new TrustBundle(shop, List.of(anchor.certificate()))),
            now,
            anyone -> true);
    return verdict instanceof Verdict.Accepted;
  }

  private Issued leaf(Issued issuer) throws Exception {
    KeyPair key = KeyPairGenerator.getInstance("EC").generateKeyPair();
    JcaX509v3CertificateBuilder builder = builder("leaf", issuer, key);
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(
            new GeneralName(GeneralName.uniformResourceIdentifier, ORDERS.toString())));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
    return signed(builder, issuer, key);
  }

  private Issued authority(String name, @Nullable Issued issuer, int length) throws Exception {
    KeyPair key = KeyPairGenerator.getInstance("EC").generateKeyPair();
    JcaX509v3CertificateBuilder builder = builder(name, issuer, key);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(length));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
    return signed(builder, issuer, key);
  }

  private JcaX509v3CertificateBuilder builder(String name, @Nullable Issued issuer, KeyPair key) {
    X500Principal subject = new X500Principal("CN=" + name);
    return new JcaX509v3CertificateBuilder(
        issuer == null ? subject : issuer.certificate().getSubjectX500Principal(),
        BigInteger.valueOf(System.nanoTime()),
        Date.from(now.minus(Duration.ofMinutes(1))),
        Date.from(now.plus(Duration.ofHours(1))),
        subject,
        key.getPublic());
  }

  private static Issued signed(
      JcaX509v3CertificateBuilder builder, @Nullable Issued issuer, KeyPair key) throws Exception {
    KeyPair signer = issuer == null ? key : issuer.key();
    return new Issued(
        new JcaX509CertificateConverter()
            .getCertificate(
                builder.build(
                    new JcaContentSignerBuilder("SHA256withECDSA").build(signer.getPrivate()))),
        key);
  }
}
