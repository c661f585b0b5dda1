package io.meshward.runtime;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * One certificate revocation list (RFC 5280 5) of one authority. Complete lists only: a delta, an
 * indirect list or one for some reasons or some certificates is read and covers nothing.
 * Thread-safe.
 */
final class RevocationList {
  private static final int SEQUENCE = 0x30;
  private static final int CRL_SIGN_BIT = 6;
  private static final String DELTA = "2.5.29.27";
  private static final String ISSUING_DISTRIBUTION_POINT = "2.5.29.28";

  private final X509CRL crl;
  private final byte[] encoded;
  private final boolean complete;

  /** The keys that its signature was looked at with, and whether it is theirs. */
  private final ConcurrentHashMap<PublicKey, Boolean> signers = new ConcurrentHashMap<>();

  private RevocationList(X509CRL crl) throws CRLException {
    this.crl = crl;
    this.encoded = crl.getEncoded();
    Set<String> critical = crl.getCriticalExtensionOIDs();
    this.complete =
        (critical == null || critical.isEmpty())
            && crl.getExtensionValue(DELTA) == null
            && crl.getExtensionValue(ISSUING_DISTRIBUTION_POINT) == null;
  }

  /**
   * Reads one list in DER.
   *
   * @throws CRLException if it is none
   */
  static RevocationList parseDer(byte[] der) throws CRLException {
    // The factory also reads PEM, which the Workload API never sends.
    if (der.length == 0 || (der[0] & 0xff) != SEQUENCE) {
      throw new CRLException("expected an ASN.1 DER revocation list");
    }
    return parse(der).get(0);
  }

  /**
   * Reads one list in DER, or one or several in PEM.
   *
   * @throws CRLException if there is none, or something else
   */
  static List<RevocationList> parse(byte[] content) throws CRLException {
    try {
      Collection<? extends java.security.cert.CRL> read =
          CertificateFactory.getInstance("X.509").generateCRLs(new ByteArrayInputStream(content));
      if (read.isEmpty()) {
        throw new CRLException("expected a revocation list in DER or PEM");
      }
      RevocationList[] lists = new RevocationList[read.size()];
      int i = 0;
      for (java.security.cert.CRL each : read) {
        lists[i++] = new RevocationList((X509CRL) each);
      }
      return List.of(lists);
    } catch (CertificateException e) {
      throw new CRLException(e);
    }
  }

  /** What it says of a certificate of that issuer. */
  RevocationStatus status(X509Certificate certificate, X509Certificate issuer, Instant now) {
    if (!crl.getIssuerX500Principal().equals(issuer.getSubjectX500Principal())
        || !maySign(issuer)
        || !signers.computeIfAbsent(issuer.getPublicKey(), this::isSignedBy)) {
      return RevocationStatus.UNDETERMINED;
    }
    X509CRLEntry entry = crl.getRevokedCertificate(certificate);
    if (entry != null) {
      // Also if it is out of date: nobody is made good again by a list that does not come.
      return RevocationStatus.REVOKED;
    }
    return complete && isInForce(now) && !hasUnknownEntries()
        ? RevocationStatus.UNREVOKED
        : RevocationStatus.UNDETERMINED;
  }

  /** A certificate that a list names. */
  record Revoked(X500Principal issuer, BigInteger serial) {}

  /** The certificates that it names. */
  Stream<Revoked> revoked() {
    Set<? extends X509CRLEntry> entries = crl.getRevokedCertificates();
    return entries == null
        ? Stream.of()
        : entries.stream()
            .map(entry -> new Revoked(crl.getIssuerX500Principal(), entry.getSerialNumber()));
  }

  private boolean isInForce(Instant now) {
    return !now.isBefore(crl.getThisUpdate().toInstant())
        && crl.getNextUpdate() != null
        && !now.isAfter(crl.getNextUpdate().toInstant());
  }

  /** An entry with a critical extension nobody knows may be about another issuer's certificate. */
  private boolean hasUnknownEntries() {
    Set<? extends X509CRLEntry> entries = crl.getRevokedCertificates();
    return entries != null
        && entries.stream().anyMatch(X509CRLEntry::hasUnsupportedCriticalExtension);
  }

  private boolean isSignedBy(PublicKey key) {
    try {
      crl.verify(key);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static boolean maySign(X509Certificate issuer) {
    boolean[] usage = issuer.getKeyUsage();
    return usage == null || usage[CRL_SIGN_BIT];
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RevocationList that && Arrays.equals(encoded, that.encoded);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(encoded);
  }

  @Override
  public String toString() {
    return "RevocationList[" + crl.getIssuerX500Principal() + ", of " + crl.getThisUpdate() + "]";
  }
}
