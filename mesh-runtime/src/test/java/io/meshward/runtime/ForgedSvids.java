package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Certificates that no issuer makes, signed by the root of a trust domain, which they stole. */
final class ForgedSvids {
  private static final SecureRandom random = new SecureRandom();

  /** Who signs: a certificate's subject and its key. */
  record Signer(X509Certificate certificate, PrivateKey key) {}

  private final Signer root;

  ForgedSvids(TestTrustDomain trustDomain) {
    IssuedSvid stolen =
        trustDomain.issue(
            trustDomain.name().id("/root"), IssueOptions.DEFAULT.with(Variation.ROOT_ITSELF));
    root = new Signer(stolen.leaf(), stolen.privateKey());
  }

  Signer root() {
    return root;
  }

  /** A leaf that is right but for the text of its only URI name. */
  Shown named(String uri) {
    KeyPair keys = keys();
    return new Shown(List.of(leaf(uri, keys, root)), keys.getPrivate());
  }

  /** A leaf that is right but for its key, which is one of Ed25519. */
  Shown ofEd25519(SpiffeId id) {
    try {
      KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      return new Shown(List.of(leaf(id.toString(), keys, root)), keys.getPrivate());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Signed by nobody but itself. */
  Shown selfSigned(SpiffeId id) {
    KeyPair keys = keys();
    X509Certificate template = leaf(id.toString(), keys, root);
    return new Shown(
        List.of(leaf(id.toString(), keys, new Signer(template, keys.getPrivate()))),
        keys.getPrivate());
  }

  /** Signed by a workload with its SVID. */
  Shown signedByLeaf(SpiffeId id, Shown signer) {
    KeyPair keys = keys();
    X509Certificate leaf = leaf(id.toString(), keys, new Signer(signer.leaf(), signer.key()));
    return new Shown(List.of(leaf, signer.leaf()), keys.getPrivate());
  }

  /** Below so many intermediates; each allows that many more below it. */
  Shown below(SpiffeId id, int intermediates, int pathLength) {
    List<X509Certificate> chain = new ArrayList<>();
    Signer signer = root;
    for (int i = 0; i < intermediates; i++) {
      signer =
          authority(signer, pathLength, KeyUsage.keyCertSign | KeyUsage.cRLSign, Duration.ZERO);
      chain.add(0, signer.certificate());
    }
    return under(id, signer, chain);
  }

  /** An intermediate, with its key. */
  Signer intermediate() {
    return authority(root, 3, KeyUsage.keyCertSign | KeyUsage.cRLSign, Duration.ZERO);
  }

  /** A right leaf below an intermediate. */
  Shown issuedBy(Signer intermediate, SpiffeId id) {
    return under(id, intermediate, List.of(intermediate.certificate()));
  }

  /** Below an intermediate whose key usage does not let it sign certificates. */
  Shown belowAnAuthorityThatMayNotSign(SpiffeId id) {
    Signer signer = authority(root, 3, KeyUsage.cRLSign, Duration.ZERO);
    return under(id, signer, List.of(signer.certificate()));
  }

  /** Below an intermediate whose time has not come. */
  Shown belowAnAuthorityOfTomorrow(SpiffeId id) {
    Signer signer = authority(root, 3, KeyUsage.keyCertSign, Duration.ofDays(1));
    return under(id, signer, List.of(signer.certificate()));
  }

  /** Below an intermediate with an RSA key so large that using it holds up others. */
  Shown belowACostlyKey(SpiffeId id) {
    try {
      PublicKey costly =
          KeyFactory.getInstance("RSA")
              .generatePublic(
                  new RSAPublicKeySpec(
                      BigInteger.TWO.pow(16_383).setBit(0), BigInteger.valueOf(65_537)));
      Signer signer =
          authority(
              root,
              new KeyPair(costly, keys().getPrivate()),
              3,
              KeyUsage.keyCertSign,
              Duration.ZERO);
      return under(id, signer, List.of(signer.certificate()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The intermediate first, then the leaf. */
  Shown inTheWrongOrder(SpiffeId id) {
    Shown right = below(id, 1, 3);
    return new Shown(List.of(right.chain().get(1), right.leaf()), right.key());
  }

  private static Shown under(SpiffeId id, Signer signer, List<X509Certificate> above) {
    KeyPair keys = keys();
    List<X509Certificate> chain = new ArrayList<>(above);
    chain.add(0, leaf(id.toString(), keys, signer));
    return new Shown(chain, keys.getPrivate());
  }

  private static X509Certificate leaf(String uri, KeyPair keys, Signer signer) {
    try {
      JcaX509v3CertificateBuilder builder =
          builder(new X500Name("O=forged"), keys, signer, Duration.ofMinutes(-5));
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              new GeneralName(
                  GeneralName.uniformResourceIdentifier, new DERIA5String(uri, false))));
      return sign(builder, signer);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Signer authority(Signer above, int pathLength, int usage, Duration from) {
    return authority(above, keys(), pathLength, usage, from);
  }

  private static Signer authority(
      Signer above, KeyPair keys, int pathLength, int usage, Duration from) {
    try {
      JcaX509v3CertificateBuilder builder =
          builder(
              new X500Name("O=forged,SERIALNUMBER=" + new BigInteger(60, random)),
              keys,
              above,
              from.isZero() ? Duration.ofMinutes(-5) : from);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(pathLength));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
      return new Signer(sign(builder, above), keys.getPrivate());
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JcaX509v3CertificateBuilder builder(
      X500Name subject, KeyPair keys, Signer signer, Duration from)
      throws IOException, GeneralSecurityException {
    Instant begin = Instant.now().plus(from);
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(signer.certificate().getSubjectX500Principal().getEncoded()),
            new BigInteger(126, random),
            Date.from(begin),
            Date.from(begin.plus(Duration.ofHours(12))),
            subject,
            keys.getPublic());
    JcaX509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
    builder.addExtension(
        Extension.subjectKeyIdentifier,
        false,
        identifiers.createSubjectKeyIdentifier(keys.getPublic()));
    builder.addExtension(
        Extension.authorityKeyIdentifier,
        false,
        identifiers.createAuthorityKeyIdentifier(signer.certificate().getPublicKey()));
    return builder;
  }

  private static X509Certificate sign(JcaX509v3CertificateBuilder builder, Signer signer)
      throws GeneralSecurityException {
    try {
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.key())));
    } catch (OperatorCreationException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private static KeyPair keys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
