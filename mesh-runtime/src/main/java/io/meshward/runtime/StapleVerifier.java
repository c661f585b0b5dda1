package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPException;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Verifies an OCSP response about one certificate (RFC 6960 3.2): that it is about that very
 * certificate of that issuer, signed by the responder that is expected, whose own SVID is valid and
 * not held, and in force now. Thread-safe.
 */
final class StapleVerifier {

  /**
   * What a response says.
   *
   * @param nextUpdate the end of its time
   */
  record Good(Instant nextUpdate) {}

  /** A response that does not do. */
  static final class NotGoodException extends Exception {
    private static final long serialVersionUID = 1L;

    private final RejectionReason reason;

    NotGoodException(RejectionReason reason, String words) {
      super(words);
      this.reason = reason;
    }

    RejectionReason reason() {
      return reason;
    }
  }

  private final Admission admission;
  private final SpiffeId responder;

  StapleVerifier(Admission admission, SpiffeId responder) {
    this.admission = admission;
    this.responder = responder;
  }

  /**
   * Verifies a response.
   *
   * @throws NotGoodException if it is invalid, or says anything but that the certificate is good
   */
  Good verify(byte[] der, List<X509Certificate> chain, TrustBundle bundle) throws NotGoodException {
    try {
      return verified(der, chain, bundle);
    } catch (IOException
        | OCSPException
        | GeneralSecurityException
        | OperatorCreationException
        | RuntimeException e) {
      throw invalid("it cannot be read: " + e.getMessage());
    }
  }

  private Good verified(byte[] der, List<X509Certificate> chain, TrustBundle bundle)
      throws NotGoodException,
          IOException,
          OCSPException,
          GeneralSecurityException,
          OperatorCreationException {
    OCSPResp response = new OCSPResp(der);
    if (response.getStatus() != OCSPResp.SUCCESSFUL
        || !(response.getResponseObject() instanceof BasicOCSPResp basic)) {
      throw invalid("the responder answered " + response.getStatus());
    }
    if (!basic.getCriticalExtensionOIDs().isEmpty()) {
      throw invalid("it has critical extensions that are not known");
    }
    requireSignature(basic);
    SingleResp about = about(basic, chain, bundle);
    Instant now = admission.now();
    if (about.getNextUpdate() == null
        || now.isBefore(about.getThisUpdate().toInstant())
        || now.isAfter(about.getNextUpdate().toInstant())) {
      throw invalid(
          "its time is from " + about.getThisUpdate() + " until " + about.getNextUpdate());
    }
    @Nullable CertificateStatus status = about.getCertStatus();
    // BouncyCastle's way to say good.
    if (status == null) {
      return new Good(about.getNextUpdate().toInstant());
    }
    throw status instanceof RevokedStatus revoked
        ? new NotGoodException(
            RejectionReason.STAPLE_REVOKED, "revoked at " + revoked.getRevocationTime())
        : new NotGoodException(RejectionReason.STAPLE_UNKNOWN, "the responder does not know it");
  }

  private void requireSignature(BasicOCSPResp basic)
      throws NotGoodException, OCSPException, CertificateException, OperatorCreationException {
    List<X509Certificate> signers = new ArrayList<>();
    for (X509CertificateHolder holder : basic.getCerts()) {
      signers.add(new JcaX509CertificateConverter().getCertificate(holder));
    }
    if (signers.isEmpty()) {
      throw invalid("it does not bring its responder's SVID along");
    }
    if (admission.judge(signers, null, responder, admission.trust().current())
        instanceof Verdict.Rejected rejected) {
      throw invalid(
          "its responder is refused: " + rejected.reason().code() + ", " + rejected.words());
    }
    if (!basic.isSignatureValid(
        new JcaContentVerifierProviderBuilder().build(signers.get(0).getPublicKey()))) {
      throw invalid("its signature is not its responder's");
    }
  }

  private static SingleResp about(
      BasicOCSPResp basic, List<X509Certificate> chain, TrustBundle bundle)
      throws NotGoodException, OCSPException, GeneralSecurityException, OperatorCreationException {
    Optional<X509Certificate> issuer = RevocationLists.issuer(chain, 0, bundle);
    if (issuer.isEmpty()) {
      throw invalid("the certificate's issuer is not known");
    }
    X509CertificateHolder holder = new JcaX509CertificateHolder(issuer.get());
    for (SingleResp single : basic.getResponses()) {
      if (single.getCertID().getSerialNumber().equals(chain.get(0).getSerialNumber())
          && single
              .getCertID()
              .matchesIssuer(holder, new JcaDigestCalculatorProviderBuilder().build())) {
        return single;
      }
    }
    throw invalid("it is about another certificate");
  }

  private static NotGoodException invalid(String words) {
    return new NotGoodException(RejectionReason.STAPLE_INVALID, words);
  }
}
