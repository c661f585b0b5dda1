package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.security.PrivateKey;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns one message of the Workload API into an update: either all of it is good, or it is refused
 * with words that say what is wrong (SPIFFE Workload API 5.2).
 *
 * <p>A message is the full state: one without the SVID that this workload uses withdraws it, and
 * one without a trust domain's bundle takes that away. An SVID is issued only if its key belongs to
 * its certificate and our own verifier accepts it. For one thread.
 */
final class SvidResponseReader {
  private final SvidChoice choice;
  private final Clock clock;
  private long generation;

  /** The last SVID that was taken, unless withdrawn. */
  private @Nullable X509Svid issued;

  /** The revocation lists that were last taken. */
  private List<RevocationList> revocations = List.of();

  SvidResponseReader(SvidChoice choice, Clock clock) {
    this.choice = choice;
    this.clock = clock;
  }

  /**
   * A message as it was understood.
   *
   * @param problem what of it is not taken, and why: its SVID, or a revocation list; none if all is
   */
  record Reading(IdentityUpdate update, @Nullable String problem) {}

  /**
   * Reads a message.
   *
   * @throws BadResponseException if it breaks the standard; it must then be discarded
   */
  Reading read(X509SVIDResponse response) throws BadResponseException {
    List<X509SVID> offered = response.getSvidsList();
    if (offered.isEmpty()) {
      throw new BadResponseException("the message has no SVID");
    }
    for (int i = 0; i < offered.size(); i++) {
      X509SVID svid = offered.get(i);
      String field = "svids[" + i + "]";
      require(!svid.getSpiffeId().isEmpty(), field + ".spiffe_id");
      require(!svid.getX509Svid().isEmpty(), field + ".x509_svid");
      require(!svid.getX509SvidKey().isEmpty(), field + ".x509_svid_key");
      require(!svid.getBundle().isEmpty(), field + ".bundle");
    }
    for (X509SVID svid : offered) {
      if (choice.matches(svid.getSpiffeId(), svid.getHint())) {
        String unread = takeRevocations(response);
        Reading reading = identity(svid, response);
        return unread == null || reading.problem() != null
            ? reading
            : new Reading(reading.update(), unread);
      }
    }
    forget();
    return new Reading(
        new IdentityUpdate.Withdrawn(
            "the Workload API offers "
                + offered.stream().map(X509SVID::getSpiffeId).toList()
                + " and not "
                + choice),
        null);
  }

  /** Nothing that was issued before may be used any more. */
  void forget() {
    issued = null;
  }

  private Reading identity(X509SVID message, X509SVIDResponse response)
      throws BadResponseException {
    String field = "the SVID of " + message.getSpiffeId();
    SpiffeId id = id(message);
    List<X509Certificate> chain = certificates(message.getX509Svid(), field);
    Map<TrustDomain, TrustBundle> bundles = federated(response.getFederatedBundlesMap());
    Map<TrustDomain, TrustBundle> home = new HashMap<>();
    addBundle(home, message);
    for (X509SVID offered : response.getSvidsList()) {
      addBundle(home, offered);
    }
    bundles.putAll(home);
    PrivateKey key =
        PossessedKey.read(
            message.getX509SvidKey().toByteArray(), chain.get(0).getPublicKey(), field);
    switch (X509SvidVerifier.verify(chain, bundles, clock.instant(), own -> true)) {
      case Verdict.Accepted accepted -> {
        if (!accepted.id().equals(id)) {
          throw new BadResponseException(
              field + " carries a certificate of " + accepted.id() + ": expected the same ID");
        }
      }
      case Verdict.Rejected rejected -> {
        String problem =
            field + " is refused: " + rejected.reason().code() + ", " + rejected.words();
        X509Svid before = issued;
        if (before == null || !before.id().equals(id)) {
          throw new BadResponseException(problem);
        }
        // Whom we trust is another matter than who we are: an authority that was taken away must
        // not stay trusted because our own SVID is not good enough.
        return new Reading(issued(before, bundles, revocations), problem);
      }
    }
    String hint = message.getHint().isEmpty() ? null : message.getHint();
    X509Svid svid = new X509Svid(id, chain, key, hint);
    issued = svid;
    return new Reading(issued(svid, bundles, revocations), null);
  }

  private static SpiffeId id(X509SVID message) throws BadResponseException {
    try {
      return SpiffeId.parse(message.getSpiffeId());
    } catch (InvalidSpiffeIdException e) {
      throw new BadResponseException(String.valueOf(e.getMessage()));
    }
  }

  /** The bundle that comes with an SVID is that of its trust domain; the first one counts. */
  private static void addBundle(Map<TrustDomain, TrustBundle> bundles, X509SVID svid)
      throws BadResponseException {
    TrustDomain trustDomain = id(svid).trustDomain();
    if (!bundles.containsKey(trustDomain)) {
      bundles.put(
          trustDomain,
          new TrustBundle(
              trustDomain, certificates(svid.getBundle(), "the bundle of " + trustDomain)));
    }
  }

  private IdentityUpdate issued(
      X509Svid svid, Map<TrustDomain, TrustBundle> bundles, List<RevocationList> lists) {
    return new IdentityUpdate.Issued(new WorkloadIdentity(svid, bundles, ++generation), lists);
  }

  /**
   * The revocation lists of a message. One that cannot be read does not end the others, and leaves
   * those of before in force too: nobody is made good again by a list that does not come.
   */
  private @Nullable String takeRevocations(X509SVIDResponse response) {
    Set<RevocationList> taken = new LinkedHashSet<>();
    String problem = null;
    for (int i = 0; i < response.getCrlCount(); i++) {
      try {
        taken.add(RevocationList.parseDer(response.getCrl(i).toByteArray()));
      } catch (CRLException e) {
        problem = "crl[" + i + "] cannot be read: " + e.getMessage();
      }
    }
    if (problem != null) {
      taken.addAll(revocations);
    }
    revocations = List.copyOf(taken);
    return problem;
  }

  /** The bundles of other trust domains, by the SPIFFE ID of each. */
  private static Map<TrustDomain, TrustBundle> federated(Map<String, ByteString> message)
      throws BadResponseException {
    Map<TrustDomain, TrustBundle> bundles = new HashMap<>();
    for (Map.Entry<String, ByteString> entry : message.entrySet()) {
      String what = "the federated bundle of '" + entry.getKey() + "'";
      TrustDomain trustDomain;
      try {
        trustDomain = TrustDomain.parse(entry.getKey());
      } catch (InvalidSpiffeIdException e) {
        throw new BadResponseException(what + ": " + e.getMessage());
      }
      // An empty bundle is one: it trusts nothing.
      List<X509Certificate> authorities =
          entry.getValue().isEmpty() ? List.of() : certificates(entry.getValue(), what);
      if (bundles.put(trustDomain, new TrustBundle(trustDomain, authorities)) != null) {
        throw new BadResponseException(what + " comes twice");
      }
    }
    return bundles;
  }

  private static List<X509Certificate> certificates(ByteString der, String what)
      throws BadResponseException {
    try {
      return Certificates.parseDer(der.toByteArray());
    } catch (CertificateException e) {
      throw new BadResponseException(what + " cannot be read: " + e.getMessage());
    }
  }

  private static void require(boolean present, String field) throws BadResponseException {
    if (!present) {
      throw new BadResponseException(field + " is empty");
    }
  }
}
