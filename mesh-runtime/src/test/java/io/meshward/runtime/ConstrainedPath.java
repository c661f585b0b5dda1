package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Provider;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** A leaf below one or two intermediates with name constraints, below a root. */
record ConstrainedPath(
    List<X509Certificate> chain,
    X509Certificate root,
    SpiffeId id,
    boolean excludes,
    String described) {
  private static final KeyPair KEYS = keys();
  private static final X509Certificate ROOT = certificate("O=root", null, List.of(), null);

  private static final List<GeneralName> SUBTREES =
      List.of(
          name(GeneralName.uniformResourceIdentifier, "shop.test"),
          name(GeneralName.uniformResourceIdentifier, "SHOP.test"),
          name(GeneralName.uniformResourceIdentifier, ".test"),
          name(GeneralName.uniformResourceIdentifier, ".shop.test"),
          name(GeneralName.uniformResourceIdentifier, "other.test"),
          name(GeneralName.dNSName, "a.test"),
          name(GeneralName.dNSName, "test"),
          name(GeneralName.dNSName, "b.test"),
          name(GeneralName.rfc822Name, "a.test"),
          name(GeneralName.rfc822Name, ".a.test"),
          name(GeneralName.rfc822Name, "x@a.test"),
          name(GeneralName.directoryName, "O=mesh"),
          name(GeneralName.directoryName, "O=mesh,OU=a"),
          name(GeneralName.iPAddress, "10.0.0.0/8"),
          name(GeneralName.iPAddress, "10.1.0.0/16"));

  private static final List<GeneralName> OTHER_NAMES =
      List.of(
          name(GeneralName.dNSName, "a.test"),
          name(GeneralName.dNSName, "x.a.test"),
          name(GeneralName.dNSName, "xa.test"),
          name(GeneralName.dNSName, "b.test"),
          name(GeneralName.rfc822Name, "x@a.test"),
          name(GeneralName.rfc822Name, "y@a.test"),
          name(GeneralName.rfc822Name, "x@y.a.test"),
          name(GeneralName.iPAddress, "10.1.1.1"),
          name(GeneralName.iPAddress, "10.2.1.1"),
          name(GeneralName.iPAddress, "11.1.1.1"));

  private static final List<String> TRUST_DOMAINS =
      List.of("shop.test", "shop.test", "sub.shop.test", "other.test", "under_score.test");
  private static final List<String> SUBJECTS =
      List.of("", "O=mesh", "O=mesh,OU=a", "O=else", "O=mesh,CN=w");

  static ConstrainedPath random(Random random) {
    List<String> words = new ArrayList<>();
    List<X509Certificate> chain = new ArrayList<>();
    X509Certificate above = ROOT;
    boolean excludes = false;
    for (int i = random.nextInt(2); i >= 0; i--) {
      GeneralSubtree[] permitted = subtrees(random);
      GeneralSubtree[] excluded = random.nextInt(3) == 0 ? subtrees(random) : null;
      excludes |= excluded != null;
      words.add("permits " + words(permitted) + " excludes " + words(excluded));
      above =
          certificate(
              "O=mesh,OU=a,L=" + i,
              above,
              List.of(),
              new org.bouncycastle.asn1.x509.NameConstraints(permitted, excluded));
      chain.add(0, above);
    }
    SpiffeId id = SpiffeId.parse("spiffe://" + Seeded.one(TRUST_DOMAINS, random) + "/a");
    List<GeneralName> names = new ArrayList<>();
    names.add(name(GeneralName.uniformResourceIdentifier, id.toString()));
    for (int i = random.nextInt(3); i > 0; i--) {
      names.add(Seeded.one(OTHER_NAMES, random));
    }
    String subject = Seeded.one(SUBJECTS, random);
    words.add("leaf " + names + " '" + subject + "'");
    chain.add(0, certificate(subject, above, names, null));
    return new ConstrainedPath(List.copyOf(chain), ROOT, id, excludes, words.toString());
  }

  boolean weAccept() {
    return X509SvidVerifier.verify(
            chain,
            Map.of(id.trustDomain(), new TrustBundle(id.trustDomain(), List.of(root))),
            Instant.now(),
            anyone -> false)
        instanceof Verdict.Accepted;
  }

  boolean isValidBy(Provider provider) {
    try {
      PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
      parameters.setRevocationEnabled(false);
      CertPathValidator.getInstance("PKIX", provider)
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /**
   * A common name, or a trust domain that is no host name; or something is excluded, which makes
   * the JDK forget of what is permitted.
   */
  boolean troublesTheJdk() {
    return excludes
        || chain.get(0).getSubjectX500Principal().getName().contains("CN=")
        || id.trustDomain().name().contains("_");
  }

  @Override
  public String toString() {
    return described;
  }

  private static GeneralSubtree @Nullable [] subtrees(Random random) {
    int count = random.nextInt(4);
    GeneralSubtree[] subtrees = new GeneralSubtree[count];
    for (int i = 0; i < count; i++) {
      subtrees[i] = new GeneralSubtree(Seeded.one(SUBTREES, random));
    }
    return count == 0 ? null : subtrees;
  }

  private static String words(GeneralSubtree @Nullable [] subtrees) {
    List<String> words = new ArrayList<>();
    if (subtrees != null) {
      for (GeneralSubtree each : subtrees) {
        words.add(each.getBase().toString());
      }
    }
    return words.toString();
  }

  private static GeneralName name(int kind, String text) {
    return new GeneralName(kind, text);
  }

  private static X509Certificate certificate(
      String subject,
      @Nullable X509Certificate issuer,
      List<GeneralName> names,
      org.bouncycastle.asn1.x509.@Nullable NameConstraints constraints) {
    boolean isLeaf = !names.isEmpty();
    try {
      Instant now = Instant.now();
      X500Name name = new X500Name(subject);
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
                  issuer == null
                      ? name
                      : X500Name.getInstance(issuer.getSubjectX500Principal().getEncoded()),
                  BigInteger.valueOf(System.nanoTime()),
                  Date.from(now.minusSeconds(60)),
                  Date.from(now.plusSeconds(3600)),
                  name,
                  KEYS.getPublic())
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(!isLeaf))
              .addExtension(
                  Extension.keyUsage,
                  true,
                  new KeyUsage(isLeaf ? KeyUsage.digitalSignature : KeyUsage.keyCertSign));
      if (isLeaf) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            subject.isEmpty(),
            new GeneralNames(names.toArray(GeneralName[]::new)));
      }
      if (constraints != null) {
        builder.addExtension(Extension.nameConstraints, true, constraints);
      }
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(KEYS.getPrivate())));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyPair keys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
