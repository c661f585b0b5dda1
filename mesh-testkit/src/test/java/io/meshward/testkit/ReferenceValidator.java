package io.meshward.testkit;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What X509-SVID 5.2 asks of a validator, and what 4 asks of an issuer, as plainly as it can be.
 */
final class ReferenceValidator {

  /** The first thing that is wrong with an SVID. */
  enum Finding {
    NOTHING,
    UNPARSEABLE,
    KEY,
    URI_COUNT,
    ID,
    PATH,
    AUTHORITY,
    SIGNING_KEY_USAGE,
    CHAIN,
    ISSUER_KEY_USAGE,
    ISSUER_EXTENDED_KEY_USAGE
  }

  private static final int URI_NAME = 6;
  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;

  private final Set<TrustAnchor> anchors;
  private final Instant now;

  ReferenceValidator(TestTrustDomain trustDomain, Instant now) {
    anchors =
        trustDomain.x509Authorities().stream()
            .map(root -> new TrustAnchor(root, null))
            .collect(Collectors.toUnmodifiableSet());
    this.now = now;
  }

  Finding check(IssuedSvid svid) throws GeneralSecurityException {
    List<X509Certificate> chain;
    try {
      chain = svid.certificates();
    } catch (IllegalStateException e) {
      return Finding.UNPARSEABLE;
    }
    X509Certificate leaf = chain.get(0);
    if (!keyFits(svid, leaf)) {
      return Finding.KEY;
    }
    List<String> uris = uris(leaf);
    if (uris.size() != 1) {
      return Finding.URI_COUNT;
    }
    try {
      if (!SpiffeId.parse(uris.get(0)).hasPath()) {
        return Finding.PATH;
      }
    } catch (InvalidSpiffeIdException e) {
      return Finding.ID;
    }
    if (leaf.getBasicConstraints() >= 0) {
      return Finding.AUTHORITY;
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage != null && (usage[KEY_CERT_SIGN] || usage[CRL_SIGN])) {
      return Finding.SIGNING_KEY_USAGE;
    }
    if (!chainHolds(chain)) {
      return Finding.CHAIN;
    }
    if (usage == null || !usage[0] || !leaf.getCriticalExtensionOIDs().contains("2.5.29.15")) {
      return Finding.ISSUER_KEY_USAGE;
    }
    List<String> purposes = leaf.getExtendedKeyUsage();
    if (purposes != null && purposes.size() != 2) {
      return Finding.ISSUER_EXTENDED_KEY_USAGE;
    }
    return Finding.NOTHING;
  }

  private static boolean keyFits(IssuedSvid svid, X509Certificate leaf)
      throws GeneralSecurityException {
    String algorithm =
        svid.privateKey().getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
    var signer = Signature.getInstance(algorithm);
    signer.initSign(svid.privateKey());
    signer.update((byte) 1);
    var verifier = Signature.getInstance(algorithm);
    verifier.initVerify(leaf.getPublicKey());
    verifier.update((byte) 1);
    return verifier.verify(signer.sign());
  }

  private static List<String> uris(X509Certificate leaf) throws CertificateException {
    var names = leaf.getSubjectAlternativeNames();
    return names == null
        ? List.of()
        : names.stream()
            .filter(name -> name.get(0).equals(URI_NAME))
            .map(name -> (String) name.get(1))
            .toList();
  }

  private boolean chainHolds(List<X509Certificate> chain) throws GeneralSecurityException {
    var parameters = new PKIXParameters(anchors);
    parameters.setRevocationEnabled(false);
    parameters.setDate(Date.from(now));
    try {
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
      return true;
    } catch (CertPathValidatorException e) {
      return false;
    }
  }
}
