package io.meshward.testkit;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A signing certificate of a trust domain with its key; it issues SVIDs. Immutable. */
final class CertificateAuthority {

  private static final Duration LIFETIME = Duration.ofDays(365);
  private static final Duration BACKDATED = Duration.ofHours(3);
  private static final ASN1ObjectIdentifier UNKNOWN_EXTENSION =
      new ASN1ObjectIdentifier("1.3.6.1.4.1.32473.1");
  private static final SecureRandom random = new SecureRandom();

  private final TrustDomain trustDomain;
  private final X500Name name;
  private final KeyPair keys;
  private final byte[] certificate;

  private CertificateAuthority(
      TrustDomain trustDomain, X500Name name, KeyPair keys, byte[] certificate) {
    this.trustDomain = trustDomain;
    this.name = name;
    this.keys = keys;
    this.certificate = certificate;
  }

  /** A new self-signed authority, valid for a year. */
  static CertificateAuthority root(TrustDomain trustDomain, Instant now) {
    KeyPair keys = ellipticCurveKeys();
    var name = new X500Name("O=Meshward test,SERIALNUMBER=" + serialNumber().toString(16));
    var self = new CertificateAuthority(trustDomain, name, keys, new byte[0]);
    return self.withCertificate(self.signAuthority(name, keys, now, IssueOptions.DEFAULT));
  }

  byte[] certificate() {
    return certificate.clone();
  }

  X509Certificate x509Certificate() {
    return Der.certificates(certificate).get(0);
  }

  IssuedSvid issue(SpiffeId id, Instant now, IssueOptions options) {
    if (options.has(Variation.ROOT_ITSELF)) {
      return new IssuedSvid(id, certificate(), keys.getPrivate());
    }
    KeyPair leafKeys = options.has(Variation.RSA_KEY) ? rsaKeys() : ellipticCurveKeys();
    CertificateAuthority signer = signer(now, options);
    byte[] leaf = signer.signLeaf(id, leafKeys, now, options);
    if (options.has(Variation.BROKEN_SIGNATURE)) {
      leaf[leaf.length - 1] ^= 1;
    }
    var chain = new ArrayList<byte[]>(List.of(leaf));
    if (usesIntermediate(options) && !options.has(Variation.INTERMEDIATE_MISSING)) {
      chain.add(signer.certificate);
    }
    KeyPair held = options.has(Variation.WRONG_KEY) ? ellipticCurveKeys() : leafKeys;
    return new IssuedSvid(id, Der.concatenate(chain), held.getPrivate());
  }

  private CertificateAuthority signer(Instant now, IssueOptions options) {
    if (options.has(Variation.IMPOSTOR_ISSUER)) {
      return new CertificateAuthority(trustDomain, name, ellipticCurveKeys(), certificate);
    }
    if (!usesIntermediate(options)) {
      return this;
    }
    KeyPair intermediateKeys = ellipticCurveKeys();
    var intermediateName =
        new X500Name("O=Meshward test intermediate,SERIALNUMBER=" + serialNumber().toString(16));
    byte[] signed = signAuthority(intermediateName, intermediateKeys, now, options);
    return new CertificateAuthority(trustDomain, intermediateName, intermediateKeys, signed);
  }

  private static boolean usesIntermediate(IssueOptions options) {
    return options.has(Variation.INTERMEDIATE)
        || options.has(Variation.INTERMEDIATE_MISSING)
        || options.has(Variation.INTERMEDIATE_NOT_AUTHORITY)
        || options.has(Variation.INTERMEDIATE_EXPIRED)
        || options.has(Variation.NAME_CONSTRAINTS_PERMIT)
        || options.has(Variation.NAME_CONSTRAINTS_EXCLUDE);
  }

  private CertificateAuthority withCertificate(byte[] signed) {
    return new CertificateAuthority(trustDomain, name, keys, signed);
  }

  /** A certificate of an authority: the root's own, or an intermediate's. */
  private byte[] signAuthority(
      X500Name subject, KeyPair subjectKeys, Instant now, IssueOptions options) {
    Instant notAfter =
        options.has(Variation.INTERMEDIATE_EXPIRED) ? now.minusSeconds(60) : now.plus(LIFETIME);
    try {
      var builder = builder(subject, subjectKeys, now.minus(BACKDATED), notAfter);
      boolean authority = !options.has(Variation.INTERMEDIATE_NOT_AUTHORITY);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      builder.addExtension(
          Extension.subjectAlternativeName, false, uris("spiffe://" + trustDomain.name()));
      if (options.has(Variation.NAME_CONSTRAINTS_PERMIT)) {
        builder.addExtension(Extension.nameConstraints, true, permitting(trustDomain.name()));
      }
      if (options.has(Variation.NAME_CONSTRAINTS_EXCLUDE)) {
        builder.addExtension(Extension.nameConstraints, true, permitting("other.test"));
      }
      return sign(builder);
    } catch (IOException e) {
      throw new IllegalStateException("cannot build the certificate of an authority", e);
    }
  }

  private byte[] signLeaf(SpiffeId id, KeyPair leafKeys, Instant now, IssueOptions options) {
    Instant notBefore = now.minus(options.backdated());
    Instant notAfter = now.plus(options.timeToLive());
    if (options.has(Variation.EXPIRED)) {
      notBefore = now.minus(Duration.ofHours(2));
      notAfter = now.minus(Duration.ofMinutes(1));
    } else if (options.has(Variation.NOT_YET_VALID)) {
      notBefore = now.plus(Duration.ofMinutes(30));
      notAfter = notBefore.plus(options.timeToLive());
    }
    try {
      var builder = builder(leafSubject(id, options), leafKeys, notBefore, notAfter);
      addKeyUsage(builder, options);
      addExtendedKeyUsage(builder, options);
      builder.addExtension(
          Extension.basicConstraints,
          true,
          new BasicConstraints(options.has(Variation.CERTIFICATE_AUTHORITY)));
      addNames(builder, id, options);
      if (options.has(Variation.UNKNOWN_EXTENSION)) {
        builder.addExtension(UNKNOWN_EXTENSION, false, new DEROctetString(new byte[] {1}));
      }
      if (options.has(Variation.UNKNOWN_CRITICAL_EXTENSION)) {
        builder.addExtension(UNKNOWN_EXTENSION, true, new DEROctetString(new byte[] {1}));
      }
      return sign(builder);
    } catch (IOException e) {
      throw new IllegalStateException("cannot build the certificate of " + id, e);
    }
  }

  private static X500Name leafSubject(SpiffeId id, IssueOptions options) {
    if (options.has(Variation.NO_SUBJECT) || options.has(Variation.NO_SUBJECT_NAMES_NOT_CRITICAL)) {
      return new X500Name("");
    }
    return new X500Name(
        options.has(Variation.NO_NAMES) ? "CN=" + id : "C=US,O=Meshward test workload");
  }

  private static void addKeyUsage(X509v3CertificateBuilder builder, IssueOptions options)
      throws IOException {
    if (options.has(Variation.NO_KEY_USAGE)) {
      return;
    }
    int usage = KeyUsage.keyAgreement | KeyUsage.keyEncipherment;
    if (!options.has(Variation.NO_DIGITAL_SIGNATURE)) {
      usage |= KeyUsage.digitalSignature;
    }
    if (options.has(Variation.KEY_CERT_SIGN)) {
      usage |= KeyUsage.keyCertSign;
    }
    if (options.has(Variation.CRL_SIGN)) {
      usage |= KeyUsage.cRLSign;
    }
    boolean critical = !options.has(Variation.KEY_USAGE_NOT_CRITICAL);
    builder.addExtension(Extension.keyUsage, critical, new KeyUsage(usage));
  }

  private static void addExtendedKeyUsage(X509v3CertificateBuilder builder, IssueOptions options)
      throws IOException {
    if (options.has(Variation.NO_EXTENDED_KEY_USAGE)) {
      return;
    }
    var purposes = new ArrayList<KeyPurposeId>();
    if (!options.has(Variation.NO_SERVER_AUTH)) {
      purposes.add(KeyPurposeId.id_kp_serverAuth);
    }
    if (!options.has(Variation.NO_CLIENT_AUTH)) {
      purposes.add(KeyPurposeId.id_kp_clientAuth);
    }
    builder.addExtension(
        Extension.extendedKeyUsage,
        false,
        new ExtendedKeyUsage(purposes.toArray(KeyPurposeId[]::new)));
  }

  private void addNames(X509v3CertificateBuilder builder, SpiffeId id, IssueOptions options)
      throws IOException {
    if (options.has(Variation.NO_NAMES)) {
      return;
    }
    var names = new ArrayList<GeneralName>();
    if (!options.has(Variation.NO_URI)) {
      for (String uri : uriNames(id, options)) {
        names.add(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
      }
    }
    if (options.has(Variation.DNS_NAMES) || options.has(Variation.NO_URI)) {
      names.add(new GeneralName(GeneralName.dNSName, "orders.shop.svc"));
      names.add(new GeneralName(GeneralName.dNSName, "orders"));
    }
    builder.addExtension(
        Extension.subjectAlternativeName,
        options.has(Variation.NO_SUBJECT),
        new GeneralNames(names.toArray(GeneralName[]::new)));
  }

  private List<String> uriNames(SpiffeId id, IssueOptions options) {
    if (options.has(Variation.HTTPS_URI_ONLY)) {
      return List.of("https://" + trustDomain.name() + "/");
    }
    var uris = new ArrayList<String>();
    if (options.has(Variation.NO_PATH)) {
      uris.add("spiffe://" + id.trustDomain().name());
    } else if (options.has(Variation.MALFORMED_ID)) {
      uris.add("spiffe://" + id.trustDomain().name() + "/" + id.path());
    } else if (options.has(Variation.UPPER_CASE_TRUST_DOMAIN)) {
      uris.add("SPIFFE://" + upperCase(id.trustDomain().name()) + id.path());
    } else {
      uris.add(id.toString());
    }
    if (options.has(Variation.TWO_SPIFFE_IDS)) {
      uris.add("spiffe://" + id.trustDomain().name() + "/another");
    }
    if (options.has(Variation.HTTPS_URI_TOO)) {
      uris.add("https://" + trustDomain.name() + "/");
    }
    return uris;
  }

  private static String upperCase(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  private static GeneralNames uris(String uri) {
    return new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
  }

  private static NameConstraints permitting(String host) {
    var subtree = new GeneralSubtree(new GeneralName(GeneralName.uniformResourceIdentifier, host));
    return new NameConstraints(new GeneralSubtree[] {subtree}, null);
  }

  /** A builder of a certificate that this authority signs. */
  private X509v3CertificateBuilder builder(
      X500Name subject, KeyPair subjectKeys, Instant notBefore, Instant notAfter)
      throws IOException {
    var builder =
        new JcaX509v3CertificateBuilder(
            name,
            serialNumber(),
            Date.from(notBefore),
            Date.from(notAfter),
            subject,
            subjectKeys.getPublic());
    try {
      var identifiers = new JcaX509ExtensionUtils();
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          identifiers.createSubjectKeyIdentifier(subjectKeys.getPublic()));
      builder.addExtension(
          Extension.authorityKeyIdentifier,
          false,
          identifiers.createAuthorityKeyIdentifier(keys.getPublic()));
      return builder;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("SHA-1 is missing", e);
    }
  }

  private byte[] sign(X509v3CertificateBuilder builder) throws IOException {
    try {
      return builder
          .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
          .getEncoded();
    } catch (OperatorCreationException e) {
      throw new IllegalStateException("SHA256withECDSA is missing", e);
    }
  }

  private static BigInteger serialNumber() {
    return new BigInteger(126, random).setBit(126);
  }

  private static KeyPair ellipticCurveKeys() {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("P-256 is missing", e);
    }
  }

  private static KeyPair rsaKeys() {
    try {
      var generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("RSA is missing", e);
    }
  }
}
