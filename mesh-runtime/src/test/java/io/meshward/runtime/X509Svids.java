package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** SVIDs of the testkit as the runtime knows them. */
final class X509Svids {
  private X509Svids() {}

  static X509Svid of(IssuedSvid issued) {
    return new X509Svid(issued.id(), issued.certificates(), issued.privateKey(), null);
  }

  static TrustBundle bundle(TestTrustDomain domain) {
    return new TrustBundle(domain.name(), domain.x509Authorities());
  }

  /** A workload that has this SVID and trusts its own trust domain. */
  static OwnIdentity own(X509Svid svid, TestTrustDomain domain) {
    OwnIdentity own = new OwnIdentity(Clock.systemUTC());
    own.accept(
        new IdentityUpdate.Issued(
            new WorkloadIdentity(svid, Map.of(domain.name(), bundle(domain)), 1)));
    return own;
  }

  /** The judgement of a workload that nothing is held for. */
  static Admission admission(TestTrustDomain domain, SpiffeId id) {
    Trust trust = new Trust();
    trust.bundles(Map.of(domain.name(), bundle(domain)));
    trust.holds(Holds.of(List.of(), IdentityPatterns.NONE));
    return new Admission(
        own(of(domain.issue(id)), domain), trust, Clock.systemUTC(), SvidProfile.STRICT_AT_HOME);
  }
}
