package io.meshward.runtime;

import java.io.IOException;
import java.math.BigInteger;
import java.security.cert.CRLException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Revocation lists that a test writes. */
final class TestRevocations {
  private final ForgedSvids.Signer signer;
  private Instant thisUpdate = Instant.now().minus(Duration.ofMinutes(1));
  private Instant nextUpdate = Instant.now().plus(Duration.ofHours(1));
  private boolean delta;

  private TestRevocations(ForgedSvids.Signer signer) {
    this.signer = signer;
  }

  static TestRevocations by(ForgedSvids.Signer signer) {
    return new TestRevocations(signer);
  }

  TestRevocations from(Instant instant) {
    thisUpdate = instant;
    return this;
  }

  TestRevocations until(Instant instant) {
    nextUpdate = instant;
    return this;
  }

  /** Only what has changed since another list. */
  TestRevocations delta() {
    delta = true;
    return this;
  }

  byte[] der(X509Certificate... revoked) {
    try {
      X509v2CRLBuilder builder =
          new X509v2CRLBuilder(
              X500Name.getInstance(signer.certificate().getSubjectX500Principal().getEncoded()),
              Date.from(thisUpdate));
      builder.setNextUpdate(Date.from(nextUpdate));
      for (X509Certificate certificate : revoked) {
        builder.addCRLEntry(certificate.getSerialNumber(), Date.from(thisUpdate), 1);
      }
      if (delta) {
        builder.addExtension(
            Extension.deltaCRLIndicator, true, new ASN1Integer(BigInteger.valueOf(7)));
      }
      return builder
          .build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.key()))
          .getEncoded();
    } catch (IOException | OperatorCreationException e) {
      throw new IllegalStateException(e);
    }
  }

  RevocationList list(X509Certificate... revoked) {
    try {
      return RevocationList.parseDer(der(revoked));
    } catch (CRLException e) {
      throw new IllegalStateException(e);
    }
  }
}
