package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshward.runtime.SignedEvents.Verification;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventSignature;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.SpiffeId;
import java.security.cert.CertificateException;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Verifies one event after another as {@link SignedEvents} says, and remembers whose chain it has
 * verified: the next event of that signer costs the one signature that is its own. A chain is
 * judged anew when the bundles have changed, and for an event that was signed while not every
 * certificate was valid by which it was found good. Holds and revocation lists are asked for each
 * event. Thread-safe.
 */
public final class EventVerifier {
  /** How long a signed event may wait to be sent: a sink tries for two minutes. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);

  /** By how much clocks may differ. */
  private static final Duration SKEW = Duration.ofMinutes(1);

  private static final int MOST_CERTIFICATES = 8;

  /** By the very text of the chain. */
  private final Verified<List<String>, Signer> signers = new Verified<>();

  /** Whose chain leads to an authority that is trusted. */
  private record Signer(SpiffeId id, List<X509Certificate> chain) {}

  /**
   * Verifies an event.
   *
   * @param recordedAt the record's own timestamp
   * @param trust whom to believe now; what is proved false is so without any
   * @param now when it is judged who is held or revoked
   */
  public Verification verify(
      Headers headers, byte @Nullable [] value, Instant recordedAt, EventTrust trust, Instant now) {
    Header header = headers.lastHeader(CloudEvents.SIGNATURE);
    if (header == null) {
      return new Verification.Unsigned();
    }
    if (header.value() == null || value == null) {
      return new Verification.Invalid("malformed", "the signature or the value is null");
    }
    try {
      return verify(new String(header.value(), US_ASCII), headers, value, recordedAt, trust, now);
    } catch (MalformedEventException | CertificateException | IllegalArgumentException e) {
      return new Verification.Invalid("malformed", String.valueOf(e.getMessage()));
    }
  }

  private Verification verify(
      String signature,
      Headers headers,
      byte[] value,
      Instant recordedAt,
      EventTrust trust,
      Instant now)
      throws CertificateException {
    String[] parts = signature.split("\\.", -1);
    if (parts.length != 3 || !parts[1].isEmpty()) {
      throw new IllegalArgumentException("expected a JSON Web Signature with detached content");
    }
    EventSignature header =
        EventCodec.decodeValue(Base64Url.decode(parts[0]), EventSignature.class);
    JwtAlgorithm algorithm = JwtAlgorithm.of(header.alg());
    if (algorithm == null || !header.typ().equals(EventSignature.TYPE)) {
      throw new IllegalArgumentException(
          "alg is '" + header.alg() + "' and typ '" + header.typ() + "'");
    }
    CloudEvents.Attributes attributes = CloudEvents.attributes(headers);
    Instant signedAt = Instant.ofEpochSecond(Math.min(header.iat(), Integer.MAX_VALUE * 100L));
    Signer known = signers.find(header.x5c(), trust.bundles(), signedAt);
    List<X509Certificate> chain = known == null ? chain(header.x5c()) : known.chain();
    List<String> names = Certificates.uriNames(chain.get(0));
    if (!names.equals(List.of(attributes.source()))) {
      return new Verification.Invalid(
          "reporter", "it is reported by " + attributes.source() + ", signed by " + names);
    }
    byte[] signed = EventSigner.signed(parts[0], headers, value);
    if (!algorithm.verifies(chain.get(0).getPublicKey(), signed, Base64Url.decode(parts[2]))) {
      return new Verification.Invalid("signature", "it is not signed by that key as it is");
    }
    if (signedAt.isBefore(recordedAt.minus(LONGEST_WAIT))
        || signedAt.isAfter(recordedAt.plus(SKEW))
        || attributes.time().isAfter(signedAt.plus(SKEW))) {
      return new Verification.Unverified(
          "time",
          "the event is of "
              + attributes.time()
              + ", signed at "
              + signedAt
              + " and recorded at "
              + recordedAt);
    }
    if (known != null) {
      return believed(known, signedAt, trust, now);
    }
    return switch (X509SvidVerifier.verify(
        chain, trust.bundles(), signedAt, trustDomain -> false)) {
      case Verdict.Rejected rejected -> new Verification.Unverified("signer", rejected.words());
      case Verdict.Accepted accepted -> {
        Signer signer = new Signer(accepted.id(), chain);
        remember(header.x5c(), signer, signedAt, trust);
        yield believed(signer, signedAt, trust, now);
      }
    };
  }

  private static Verification believed(
      Signer signer, Instant signedAt, EventTrust trust, Instant now) {
    return trust
        .against(signer.id(), signer.chain(), now)
        .<Verification>map(
            rejected -> new Verification.Unverified(rejected.reason().code(), rejected.words()))
        .orElseGet(() -> new Verification.Signed(signer.id(), signer.chain().get(0), signedAt));
  }

  /** For as long as nothing begins or ends of what it was verified by. */
  private void remember(List<String> x5c, Signer signer, Instant signedAt, EventTrust trust) {
    TrustBundle bundle = trust.bundles().get(signer.id().trustDomain());
    if (bundle == null) {
      return;
    }
    Instant from = Instant.MIN;
    Instant until = Instant.MAX;
    for (X509Certificate each :
        Stream.concat(
                signer.chain().stream(),
                bundle.anchors(signedAt).stream().map(TrustAnchor::getTrustedCert))
            .toList()) {
      Instant notBefore = each.getNotBefore().toInstant();
      Instant notAfter = each.getNotAfter().toInstant();
      from = notBefore.isAfter(from) ? notBefore : from;
      until = notAfter.isBefore(until) ? notAfter : until;
    }
    signers.put(List.copyOf(x5c), signer, trust.bundles(), from, until);
  }

  private static List<X509Certificate> chain(List<String> x5c) throws CertificateException {
    if (x5c.isEmpty() || x5c.size() > MOST_CERTIFICATES) {
      throw new IllegalArgumentException(x5c.size() + " certificates in x5c");
    }
    List<X509Certificate> chain = new ArrayList<>();
    for (String one : x5c) {
      chain.addAll(Certificates.parseDer(Base64.getDecoder().decode(one)));
    }
    return chain;
  }
}
