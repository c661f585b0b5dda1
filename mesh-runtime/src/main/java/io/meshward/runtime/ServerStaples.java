package io.meshward.runtime;

import com.google.protobuf.ByteString;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client demands of its servers' staples, and what is stapled to this workload's own SVID.
 * Thread-safe.
 */
final class ServerStaples {
  private static final Logger log = LoggerFactory.getLogger(ServerStaples.class);

  /** How our reason codes about responses begin. */
  private static final String CODES = "ocsp:";

  /** Neither asked for nor served. */
  static final ServerStaples OFF = new ServerStaples(StapleRule.OFF, null, null);

  /** Asks a responder about the SVID that is in use. */
  interface Responder {
    byte[] ask(String target, SpiffeId responder) throws IOException;
  }

  /** A response that was verified, for a leaf. */
  private record Held(X509Certificate leaf, ByteString der, Instant renewAt, Instant end) {}

  private final StapleRule rule;
  private final @Nullable StapleVerifier verifier;
  private final @Nullable StapleSource source;
  private volatile @Nullable Held held;

  /**
   * No monitor, in which a virtual thread that waits for a responder would hold its carrier up to
   * JDK 23 (JEP 491), and never waited for: who looks once a second must not queue behind it.
   */
  private final Lock renewing = new ReentrantLock();

  /** Guarded by {@link #renewing}. */
  private String problem = "";

  private ServerStaples(
      StapleRule rule, @Nullable StapleVerifier verifier, @Nullable StapleSource source) {
    this.rule = rule;
    this.verifier = verifier;
    this.source = source;
  }

  /**
   * Those of a runtime.
   *
   * @param mesh reaches a responder of the mesh
   * @throws IllegalArgumentException if BouncyCastle is missing, which reads and signs responses
   */
  static ServerStaples of(RevocationOptions options, Admission admission, Responder mesh) {
    SpiffeId responder = options.responder();
    if (!options.usesOcsp() || responder == null) {
      return OFF;
    }
    try {
      Class<?> unused = OCSPResp.class.getSuperclass();
    } catch (NoClassDefFoundError e) {
      throw new IllegalArgumentException(
          "OCSP needs BouncyCastle on the class path: org.bouncycastle:bcpkix-jdk18on", e);
    }
    String target = options.stapleTarget();
    return new ServerStaples(
        options.stapleRule(),
        new StapleVerifier(admission, responder),
        target == null ? options.stapleSource() : (leaf, issuer) -> mesh.ask(target, responder));
  }

  StapleRule rule() {
    return rule;
  }

  boolean areServed() {
    return source != null;
  }

  /**
   * Judges a server's staple.
   *
   * @param staples what TLS received, the leaf's first
   * @return why the server is refused, or nothing
   */
  Optional<Verdict.Rejected> refusal(
      List<byte[]> staples, List<X509Certificate> chain, SpiffeId server, TrustBundle bundle) {
    StapleVerifier judge = verifier;
    if (rule == StapleRule.OFF || judge == null) {
      return Optional.empty();
    }
    if (staples.isEmpty() || staples.get(0).length == 0) {
      return rule == StapleRule.PREFER
          ? Optional.empty()
          : Optional.of(
              new Verdict.Rejected(
                  RejectionReason.STAPLE_MISSING,
                  server.toString(),
                  0,
                  "the server staples no OCSP response"));
    }
    try {
      var unused = judge.verify(staples.get(0), chain, bundle);
      return Optional.empty();
    } catch (StapleVerifier.NotGoodException e) {
      return Optional.of(
          new Verdict.Rejected(
              e.reason(), server.toString(), 0, "its OCSP response: " + e.getMessage()));
    }
  }

  /**
   * What events say of a handshake that ended well: {@code tls.ocsp}. A server that came without a
   * response was let in only where none is demanded, and one that came with a bad one was not.
   */
  @Nullable String label(TlsHandshake.Role role, HandshakeFacts facts, Instant now) {
    return switch (role) {
      case CLIENT -> rule == StapleRule.OFF ? null : facts.stapled() ? "good" : "missing";
      case SERVER ->
          // The JDK's servers staple nothing of ours.
          !areServed() || !HandshakeFacts.BORINGSSL.equals(facts.provider())
              ? null
              : facts.ownLeaf() != null && stapleFor(facts.ownLeaf(), now).isPresent()
                  ? "stapled"
                  : "none";
    };
  }

  /** The same of one that a client ended because of the response, or the lack of it. */
  static @Nullable String label(RejectionReason reason) {
    return reason.code().startsWith(CODES) ? reason.code().substring(CODES.length()) : null;
  }

  /** The response to staple to a leaf now; none if there is no good one. */
  Optional<byte[]> stapleFor(X509Certificate leaf, Instant now) {
    Held last = held;
    return last != null && last.leaf().equals(leaf) && !now.isAfter(last.end())
        ? Optional.of(last.der().toByteArray())
        : Optional.empty();
  }

  /** Gets a new response if one is due and nobody else is at it. May block. */
  void renew(WorkloadIdentity identity, Instant now) {
    if (!renewing.tryLock()) {
      return;
    }
    try {
      renewAlone(identity, now);
    } finally {
      renewing.unlock();
    }
  }

  private void renewAlone(WorkloadIdentity identity, Instant now) {
    StapleSource from = source;
    StapleVerifier judge = verifier;
    X509Svid svid = identity.svid();
    Held before = held;
    if (from == null
        || judge == null
        || (before != null
            && before.leaf().equals(svid.leaf())
            && now.isBefore(before.renewAt()))) {
      return;
    }
    try {
      TrustBundle bundle = identity.bundles().get(svid.id().trustDomain());
      if (bundle == null) {
        throw new MeshRuntimeException("there is no bundle of " + svid.id().trustDomain());
      }
      X509Certificate issuer =
          RevocationLists.issuer(svid.chain(), 0, bundle)
              .orElseThrow(() -> new MeshRuntimeException("the issuer of the SVID is not known"));
      byte[] der = from.staple(svid.leaf(), issuer);
      Instant end = judge.verify(der, svid.chain(), bundle).nextUpdate();
      Instant renewAt = now.plus(Duration.between(now, end).dividedBy(2));
      held = new Held(svid.leaf(), ByteString.copyFrom(der), renewAt, end);
      problem = "";
    } catch (IOException | StapleVerifier.NotGoodException | RuntimeException e) {
      tell(String.valueOf(e.getMessage()));
    }
  }

  private void tell(String words) {
    if (!words.equals(problem)) {
      problem = words;
      log.atError()
          .addKeyValue("problem", words)
          .log("no new OCSP response can be stapled to the SVID");
    }
  }
}
