package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestTrustDomain;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.RSAPublicKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What authorities of a bundle may not do, and what of a chain is looked at in which order. */
class AuthorityLimitsTest {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final SpiffeId ORDERS = SHOP.id("/ns/shop/sa/orders");
  private static final String EC = "SHA256withECDSA";

  private record Authority(X509Certificate certificate, KeyPair keys) {}

  private static final KeyPair KEYS = keys("EC", 256);
  private static final Authority ROOT = authority("root", null, keys("EC", 256), EC, null);

  private final Instant now = Instant.now();

  @Test
  void anAuthorityWithNameConstraintsSignsWhatTheyPermit() {
    Authority here = authority("here", null, keys("EC", 256), EC, permitted("shop.test"));
    Authority elsewhere = authority("elsewhere", null, keys("EC", 256), EC, permitted("b.test"));

    assertThat(reason(List.of(leaf(here, EC)), here)).isNull();
    assertThat(reason(List.of(leaf(elsewhere, EC)), elsewhere))
        .isEqualTo(RejectionReason.PATH_NAME_CONSTRAINTS);
    // It takes nothing from its neighbours.
    assertThat(reason(List.of(leaf(ROOT, EC)), ROOT, elsewhere)).isNull();
  }

  @Test
  void theLimitsOfEachAuthorityBindAllThatIsBelow() {
    Authority upper = authority("upper", ROOT, keys("EC", 256), EC, permitted(".test"));
    Authority middle = authority("middle", upper, keys("EC", 256), EC, null);
    Authority lower = authority("lower", middle, keys("EC", 256), EC, permitted("shop.test"));
    Authority narrow = authority("narrow", ROOT, keys("EC", 256), EC, permitted("b.test"));
    Authority below = authority("below", narrow, keys("EC", 256), EC, permitted("shop.test"));

    assertThat(reason(chain(lower, middle, upper), ROOT)).isNull();
    assertThat(reason(chain(below, narrow), ROOT)).isEqualTo(RejectionReason.PATH_NAME_CONSTRAINTS);
    // Beside name constraints, all other rules hold as ever.
    Authority onlyOneBelow = authority("one", ROOT, keys("EC", 256), EC, null, 0);
    Authority tooDeep = authority("deep", onlyOneBelow, keys("EC", 256), EC, permitted(".test"));
    assertThat(reason(chain(tooDeep, onlyOneBelow), ROOT)).isEqualTo(RejectionReason.PATH_TOO_LONG);
    Authority noneBelow = authority("none", ROOT, keys("EC", 256), EC, permitted(".test"), 0);
    Authority beneath = authority("beneath", noneBelow, keys("EC", 256), EC, null);
    assertThat(reason(chain(noneBelow), ROOT)).isNull();
    assertThat(reason(chain(beneath, noneBelow), ROOT)).isEqualTo(RejectionReason.PATH_TOO_LONG);
    Authority namesake = authority("upper", ROOT, keys("EC", 256), EC, permitted(".test"));
    assertThat(reason(List.of(leaf(upper, EC), namesake.certificate()), ROOT))
        .isEqualTo(RejectionReason.PATH_SIGNATURE);
    Authority noAuthority = authority("not", ROOT, keys("EC", 256), EC, permitted(".test"), -1);
    assertThat(reason(chain(noAuthority), ROOT)).isEqualTo(RejectionReason.PATH_NOT_AUTHORITY);
  }

  @Test
  void whatIsPermittedAndExcludedTooPermitsNothingElse() {
    GeneralSubtree[] sub = subtrees("sub.shop.test");
    Authority both = authority("both", ROOT, keys("EC", 256), EC, new NameConstraints(sub, sub));

    // The JDK forgets that anything was permitted at all.
    assertThat(reason(chain(both), ROOT)).isEqualTo(RejectionReason.PATH_NAME_CONSTRAINTS);
  }

  private static List<X509Certificate> chain(Authority... signers) {
    return Stream.concat(
            Stream.of(leaf(signers[0], EC)), Stream.of(signers).map(Authority::certificate))
        .toList();
  }

  @Test
  void refusesSignaturesBySha1AndSmallRsaKeys() {
    Authority rsa = authority("rsa", null, keys("RSA", 2048), "SHA256withRSA", null);
    Authority small = authority("small", null, keys("RSA", 1024), "SHA256withRSA", null);

    assertThat(reason(List.of(leaf(rsa, "SHA256withRSA")), rsa)).isNull();
    assertThat(reason(List.of(leaf(rsa, "SHA1withRSA")), rsa))
        .isEqualTo(RejectionReason.PATH_ALGORITHM);
    assertThat(reason(List.of(leaf(small, "SHA256withRSA")), small))
        .isEqualTo(RejectionReason.PATH_ALGORITHM);
    assertThat(reason(List.of(leaf(ROOT, EC, keys("RSA", 1024))), ROOT))
        .isEqualTo(RejectionReason.PATH_ALGORITHM);
  }

  @Test
  void certificatesAboveTheLeafMayComeInAnyOrderAndWithOthers() {
    Authority upper = authority("upper", ROOT, keys("EC", 256), EC, null);
    Authority lower = authority("lower", upper, keys("EC", 256), EC, null);
    Authority namesake = authority("upper", ROOT, keys("EC", 256), EC, null);
    X509Certificate stranger = TestTrustDomain.create("other.test").x509Authorities().get(0);
    X509Certificate leaf = leaf(lower, EC);
    X509Certificate low = lower.certificate();
    X509Certificate up = upper.certificate();
    List<X509Certificate> inOrder = List.of(leaf, low, up);

    assertThat(SentChain.ordered(inOrder, now)).isSameAs(inOrder);
    for (List<X509Certificate> sent :
        List.of(
            List.of(leaf, up, low),
            List.of(leaf, stranger, low, up),
            List.of(leaf, low, up, stranger),
            List.of(leaf, low, low, up),
            List.of(leaf, leaf, up, low))) {
      assertThat(SentChain.ordered(sent, now)).isEqualTo(inOrder);
    }
    assertThat(SentChain.ordered(List.of(leaf, namesake.certificate(), low, up), now))
        .isEqualTo(inOrder);
    // The leaf is the first one, whatever the others are (RFC 8446 4.4.2).
    assertThat(SentChain.ordered(List.of(low, leaf, up), now)).isEqualTo(List.of(low, up));
    assertThat(SentChain.ordered(List.of(leaf, up), now)).isEqualTo(List.of(leaf));
    List<X509Certificate> tooLong = Stream.generate(() -> leaf).limit(11).toList();
    assertThat(SentChain.ordered(tooLong, now)).isSameAs(tooLong);
    assertThat(SentChain.ordered(List.of(), now)).isEmpty();
  }

  @Test
  void anAuthorityThatWasCertifiedAnewIsTakenAsItIsValidNow() {
    KeyPair keys = keys("EC", 256);
    Instant renewal = now.minusSeconds(60);
    Authority expired = identified("upper", ROOT, keys, now.minusSeconds(3600), renewal);
    Authority renewed = identified("upper", ROOT, keys, renewal, now.plusSeconds(3600));
    X509Certificate leaf = leaf(renewed, EC);

    for (List<X509Certificate> sent :
        List.of(
            List.of(leaf, expired.certificate(), renewed.certificate()),
            List.of(leaf, renewed.certificate(), expired.certificate()))) {
      List<X509Certificate> ordered = SentChain.ordered(sent, now);
      assertThat(ordered).containsExactly(leaf, renewed.certificate());
      assertThat(reason(ordered, ROOT)).isNull();
    }
  }

  @Test
  void keyIdentifiersPutAChainInOrderWithoutASignature() {
    Authority upper = identified("upper", ROOT);
    Authority namesake = identified("upper", ROOT);
    Authority lower = identified("lower", upper);
    X509Certificate leaf = leaf(lower, EC);

    assertThat(
            SentChain.ordered(
                List.of(leaf, namesake.certificate(), upper.certificate(), lower.certificate()),
                now,
                (certificate, signer) -> {
                  assertThat(certificate).as("it names its issuer's key").isEqualTo(leaf);
                  return Certificates.isSignedBy(certificate, signer);
                }))
        .containsExactly(leaf, lower.certificate(), upper.certificate());
    assertThat(SentChain.ordered(List.of(leaf, namesake.certificate(), lower.certificate()), now))
        .as("one of that name and of another key")
        .containsExactly(leaf, lower.certificate());
  }

  @Test
  void aChainThatIsMadeToCostMuchCostsFewSignatures() {
    Authority loop = authority("loop", null, keys("EC", 256), EC, null);
    X509Certificate leaf = leaf(loop, EC);
    List<X509Certificate> sent = new ArrayList<>(List.of(leaf));
    for (int i = 0; i < 8; i++) {
      sent.add(authority("loop", null, keys("EC", 256), EC, null).certificate());
    }
    sent.add(ROOT.certificate());

    for (boolean signed : List.of(true, false)) {
      AtomicInteger signatures = new AtomicInteger();
      List<X509Certificate> ordered =
          SentChain.ordered(
              sent,
              now,
              (certificate, signer) -> {
                signatures.incrementAndGet();
                return signed;
              });
      assertThat(signatures).hasValue(SentChain.MOST_SIGNATURES);
      assertThat(ordered).startsWith(leaf).doesNotHaveDuplicates();
    }
  }

  @Test
  void refusesKeysThatTakeMoreWorkThanAHandshakeMay() {
    BigInteger odd = BigInteger.ONE;
    BigInteger usual = BigInteger.valueOf(65_537);
    for (PublicKey costly :
        List.of(
            rsa(BigInteger.TWO.pow(8_192).add(odd), usual),
            rsa(BigInteger.TWO.pow(16_383).add(odd), usual),
            rsa(BigInteger.TWO.pow(3_071).add(odd), BigInteger.TWO.pow(33).add(odd)),
            keys("DSA", 2048).getPublic())) {
      Authority above = authority("costly", ROOT, new KeyPair(costly, KEYS.getPrivate()), EC, null);
      X509Certificate leaf = leaf(above, EC);

      assertThat(reason(List.of(leaf, above.certificate()), ROOT))
          .isEqualTo(RejectionReason.KEY_TOO_COSTLY);
      X509Certificate stranger = authority("other", null, KEYS, EC, null).certificate();
      assertThat(
              SentChain.ordered(
                  List.of(leaf, stranger, above.certificate()),
                  now,
                  (certificate, signer) -> {
                    throw new AssertionError("no signature is verified by it");
                  }))
          .containsExactly(leaf, above.certificate());
      assertThat(reason(List.of(leaf(ROOT, EC, new KeyPair(costly, KEYS.getPrivate()))), ROOT))
          .isEqualTo(RejectionReason.KEY_TOO_COSTLY);
    }
    for (PublicKey fair :
        List.of(
            rsa(BigInteger.TWO.pow(8_191).add(odd), usual),
            rsa(BigInteger.TWO.pow(3_071).add(odd), BigInteger.TWO.pow(32).add(odd)))) {
      assertThat(reason(List.of(leaf(ROOT, EC, new KeyPair(fair, KEYS.getPrivate()))), ROOT))
          .isNull();
    }
  }

  @Test
  void anAuthorityThatAnotherCertifiedTooIsTrustedForItself() {
    KeyPair keys = keys("EC", 256);
    Authority old = authority("old", null, keys("EC", 256), EC, null);
    Authority fresh = authority("fresh", null, keys, EC, null);
    X509Certificate cross = authority("fresh", old, keys, EC, null).certificate();
    X509Certificate leaf = leaf(fresh, EC);

    for (Authority known : List.of(fresh, old)) {
      assertThat(reason(List.of(leaf, cross), known)).isNull();
      assertThat(reason(List.of(leaf, cross, old.certificate()), known)).isNull();
    }
    assertThat(reason(List.of(leaf, cross, old.certificate()), ROOT))
        .isEqualTo(RejectionReason.UNKNOWN_AUTHORITY);
  }

  @Test
  void concatenatedCertificatesAreReadToTheLastByte() throws Exception {
    byte[] root = ROOT.certificate().getEncoded();
    byte[] leaf = leaf(ROOT, EC).getEncoded();

    assertThat(Certificates.parseDer(joined(leaf, root)))
        .containsExactly(leaf(leaf), ROOT.certificate());
    for (byte[] broken :
        List.of(
            new byte[0],
            joined(leaf, new byte[] {0, 1}),
            joined(leaf, new byte[] {'\n'}),
            joined(leaf, new byte[] {0x30}),
            joined(leaf, new byte[] {0x30, (byte) 0x80}),
            joined(leaf, new byte[] {0x30, (byte) 0x84, 0x7f, -1, -1, -1}),
            joined(leaf, Arrays.copyOf(root, root.length - 1)),
            joined(leaf, new byte[] {0x30, 0}))) {
      assertThatThrownBy(() -> Certificates.parseDer(broken))
          .isInstanceOf(CertificateException.class);
    }
  }

  private static X509Certificate leaf(byte[] der) throws CertificateException {
    return Certificates.parseDer(der).get(0);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static @Nullable RejectionReason reason(
      List<X509Certificate> chain, Authority... authorities) {
    TrustBundle bundle =
        new TrustBundle(SHOP, Stream.of(authorities).map(Authority::certificate).toList());
    Verdict verdict =
        X509SvidVerifier.verify(chain, Map.of(SHOP, bundle), Instant.now(), anyone -> true);
    return verdict instanceof Verdict.Rejected rejected ? rejected.reason() : null;
  }

  private static NameConstraints permitted(String domain) {
    return new NameConstraints(subtrees(domain), null);
  }

  private static GeneralSubtree[] subtrees(String domain) {
    return new GeneralSubtree[] {
      new GeneralSubtree(new GeneralName(GeneralName.uniformResourceIdentifier, domain))
    };
  }

  private static X509Certificate leaf(Authority signer, String signature) {
    return leaf(signer, signature, keys("EC", 256));
  }

  private static X509Certificate leaf(Authority signer, String signature, KeyPair keys) {
    try {
      return sign(
          builder("leaf", signer.certificate(), keys)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(
                      new GeneralName(GeneralName.uniformResourceIdentifier, ORDERS.toString()))),
          signature,
          signer.keys());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static Authority authority(
      String name,
      @Nullable Authority above,
      KeyPair keys,
      String signature,
      @Nullable NameConstraints constraints) {
    return authority(name, above, keys, signature, constraints, 9);
  }

  /**
   * @param most how many intermediates may follow; negative if it is no authority at all
   */
  private static Authority authority(
      String name,
      @Nullable Authority above,
      KeyPair keys,
      String signature,
      @Nullable NameConstraints constraints,
      int most) {
    try {
      var builder =
          builder(name, above == null ? null : above.certificate(), keys)
              .addExtension(
                  Extension.basicConstraints,
                  true,
                  most < 0 ? new BasicConstraints(false) : new BasicConstraints(most))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      if (constraints != null) {
        builder.addExtension(Extension.nameConstraints, true, constraints);
      }
      return new Authority(sign(builder, signature, above == null ? keys : above.keys()), keys);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static Authority identified(String name, Authority above) {
    Instant now = Instant.now();
    return identified(name, above, keys("EC", 256), now.minusSeconds(60), now.plusSeconds(3600));
  }

  /** An authority that says of whose key it is, and by whose it is signed. */
  private static Authority identified(
      String name, Authority above, KeyPair keys, Instant from, Instant until) {
    try {
      JcaX509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
      return new Authority(
          sign(
              builder(name, above.certificate(), keys, from, until)
                  .addExtension(Extension.basicConstraints, true, new BasicConstraints(true))
                  .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign))
                  .addExtension(
                      Extension.subjectKeyIdentifier,
                      false,
                      identifiers.createSubjectKeyIdentifier(keys.getPublic()))
                  .addExtension(
                      Extension.authorityKeyIdentifier,
                      false,
                      identifiers.createAuthorityKeyIdentifier(above.keys().getPublic())),
              EC,
              above.keys()),
          keys);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** A key that nobody has the other half of. */
  private static PublicKey rsa(BigInteger modulus, BigInteger exponent) {
    try {
      return KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(modulus, exponent));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509v3CertificateBuilder builder(
      String name, @Nullable X509Certificate issuer, KeyPair keys) {
    Instant now = Instant.now();
    return builder(name, issuer, keys, now.minusSeconds(60), now.plusSeconds(3600));
  }

  private static X509v3CertificateBuilder builder(
      String name, @Nullable X509Certificate issuer, KeyPair keys, Instant from, Instant until) {
    X500Name subject = new X500Name("O=limits,CN=" + name);
    return new JcaX509v3CertificateBuilder(
        issuer == null
            ? subject
            : X500Name.getInstance(issuer.getSubjectX500Principal().getEncoded()),
        BigInteger.valueOf(System.nanoTime()),
        Date.from(from),
        Date.from(until),
        subject,
        keys.getPublic());
  }

  private static X509Certificate sign(
      X509v3CertificateBuilder builder, String signature, KeyPair signer) throws Exception {
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder(signature).build(signer.getPrivate())));
  }

  private static KeyPair keys(String algorithm, int bits) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      generator.initialize(bits);
      return generator.generateKeyPair();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
