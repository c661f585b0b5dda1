package io.meshward.runtime;

import io.grpc.ServerServiceDefinition;
import io.meshward.schemas.SpiffeId;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPRespBuilder;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPException;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.OCSPRespBuilder;
import org.bouncycastle.cert.ocsp.RespID;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.UnknownStatus;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Signs what this workload knows of a certificate as an OCSP response (RFC 6960), with its SVID: a
 * locally trusted responder (4.2.2.2), which its clients know by its SPIFFE ID. A certificate is
 * revoked if a hold refuses it or a revocation list names it, good if it is a valid X.509-SVID and
 * neither is so, else unknown. Needs BouncyCastle. Thread-safe.
 */
public final class StatusSigner {
  private static final Duration BACKDATED = Duration.ofMinutes(1);

  private final Supplier<X509Svid> responder;
  private final Admission admission;
  private final Clock clock;
  private final DigestCalculatorProvider digests;

  StatusSigner(Supplier<X509Svid> responder, Admission admission, Clock clock) {
    this.responder = responder;
    this.admission = admission;
    this.clock = clock;
    try {
      this.digests = new JcaDigestCalculatorProviderBuilder().build();
    } catch (OperatorCreationException e) {
      throw new MeshRuntimeException("no digests: " + e.getMessage(), e);
    }
  }

  /**
   * Signs the status of a certificate as of now.
   *
   * @param chain the certificate, then intermediates
   * @param issuer who signed the certificate
   * @param validity until when the response may be used; never longer than this workload's SVID
   * @return an OCSPResponse in DER
   * @throws MeshRuntimeException if this workload has no SVID now, or it cannot sign
   */
  public byte[] sign(List<X509Certificate> chain, X509Certificate issuer, Duration validity) {
    X509Svid svid = responder.get();
    Instant now = clock.instant();
    Instant end = now.plus(validity);
    Instant until = end.isBefore(svid.notAfter()) ? end : svid.notAfter();
    try {
      X509CertificateHolder[] certificates = new X509CertificateHolder[svid.chain().size()];
      for (int i = 0; i < certificates.length; i++) {
        certificates[i] = new JcaX509CertificateHolder(svid.chain().get(i));
      }
      BasicOCSPRespBuilder builder =
          new BasicOCSPRespBuilder(
              new RespID(
                  SubjectPublicKeyInfo.getInstance(svid.leaf().getPublicKey().getEncoded()),
                  digests.get(RespID.HASH_SHA1)));
      builder.addResponse(
          new CertificateID(
              digests.get(CertificateID.HASH_SHA1),
              new JcaX509CertificateHolder(issuer),
              chain.get(0).getSerialNumber()),
          status(chain),
          Date.from(now.minus(BACKDATED)),
          Date.from(until));
      return new OCSPRespBuilder()
          .build(
              OCSPResp.SUCCESSFUL,
              builder.build(
                  new JcaContentSignerBuilder(algorithm(svid)).build(svid.privateKey()),
                  certificates,
                  Date.from(now)))
          .getEncoded();
    } catch (OCSPException
        | OperatorCreationException
        | GeneralSecurityException
        | java.io.IOException e) {
      throw new MeshRuntimeException("no status can be signed: " + e.getMessage(), e);
    }
  }

  /**
   * A service for this workload's {@link MeshRuntime#serverBuilder server}, from which others get
   * what they staple to their SVIDs, by {@link RevocationOptions#staple(String, SpiffeId)}. Each
   * caller is told of the very certificate that it proved itself with; the policy says who may call
   * {@code meshward.runtime.Status/Own}.
   *
   * @param validity of each response; never longer than this workload's SVID
   */
  public ServerServiceDefinition service(Duration validity) {
    return StatusService.serve(chain -> sign(chain, issuer(chain), validity));
  }

  private X509Certificate issuer(List<X509Certificate> chain) {
    for (TrustBundle bundle : admission.trust().current().bundles().values()) {
      Optional<X509Certificate> issuer =
          chain.isEmpty() ? Optional.empty() : RevocationLists.issuer(chain, 0, bundle);
      if (issuer.isPresent()) {
        return issuer.get();
      }
    }
    throw new MeshRuntimeException("the issuer of the caller's certificate is not known");
  }

  private CertificateStatus status(List<X509Certificate> chain) {
    return switch (admission.judge(chain, null, null, admission.trust().current())) {
      case Verdict.Accepted accepted -> CertificateStatus.GOOD;
      case Verdict.Rejected rejected ->
          switch (rejected.reason()) {
            case QUARANTINED ->
                new RevokedStatus(Date.from(clock.instant()), CRLReason.certificateHold);
            case REVOKED -> new RevokedStatus(Date.from(clock.instant()), CRLReason.unspecified);
            // Nothing else says that it was revoked.
            default -> new UnknownStatus();
          };
    };
  }

  private static String algorithm(X509Svid svid) {
    return svid.privateKey().getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
  }
}
