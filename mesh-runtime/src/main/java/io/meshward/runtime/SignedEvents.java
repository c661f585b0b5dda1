package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventSignature;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * Verifies who reported an event: the signature in {@code ce_signature}, as {@link EventSignature}
 * has it, by an X.509-SVID of the very identity in {@code ce_source}, up to an authority of its
 * trust domain. Pure functions; thread-safe.
 *
 * <p>The SVID is judged as of the moment of signing, since it is over when evidence is looked at.
 * Whoever steals the key of an SVID that is over could sign for the past: so that moment must not
 * be far from the record's own timestamp.
 */
public final class SignedEvents {
  /** How long a signed event may wait to be sent: a sink tries for two minutes. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);

  /** By how much clocks may differ. */
  private static final Duration SKEW = Duration.ofMinutes(1);

  private static final int MOST_CERTIFICATES = 8;

  private SignedEvents() {}

  /** What a look at a signature comes to. */
  public sealed interface Verification {

    /**
     * The event is as its reporter sent it.
     *
     * @param certificate by which it was signed
     */
    record Signed(SpiffeId reporter, X509Certificate certificate, Instant signedAt)
        implements Verification {}

    /** The event has no signature: a plain allow, or a reporter without an SVID. */
    record Unsigned() implements Verification {}

    /**
     * The event is not to be believed.
     *
     * @param reason a stable code: {@code malformed}, {@code signer}, {@code reporter}, {@code
     *     signature}, {@code time}
     * @param words what is wrong, for people
     */
    record Invalid(String reason, String words) implements Verification {}
  }

  /**
   * Verifies a record.
   *
   * @param bundles the authorities of the trust domains that events are believed from, such as
   *     {@link WorkloadIdentity#bundles}
   */
  public static Verification verify(
      ConsumerRecord<byte[], byte[]> record, Map<TrustDomain, TrustBundle> bundles) {
    Header header = record.headers().lastHeader(CloudEvents.SIGNATURE);
    if (header == null) {
      return new Verification.Unsigned();
    }
    if (header.value() == null || record.value() == null) {
      return new Verification.Invalid("malformed", "the signature or the value is null");
    }
    try {
      return verify(new String(header.value(), US_ASCII), record, bundles);
    } catch (MalformedEventException | CertificateException | IllegalArgumentException e) {
      return new Verification.Invalid("malformed", String.valueOf(e.getMessage()));
    }
  }

  private static Verification verify(
      String signature,
      ConsumerRecord<byte[], byte[]> record,
      Map<TrustDomain, TrustBundle> bundles)
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
    CloudEvents.Attributes attributes = CloudEvents.attributes(record.headers());
    Instant signedAt = Instant.ofEpochSecond(Math.min(header.iat(), Integer.MAX_VALUE * 100L));
    Instant recordedAt = Instant.ofEpochMilli(record.timestamp());
    if (signedAt.isBefore(recordedAt.minus(LONGEST_WAIT))
        || signedAt.isAfter(recordedAt.plus(SKEW))
        || attributes.time().isAfter(signedAt.plus(SKEW))) {
      return new Verification.Invalid(
          "time",
          "the event is of "
              + attributes.time()
              + ", signed at "
              + signedAt
              + " and recorded at "
              + recordedAt);
    }
    List<X509Certificate> chain = chain(header.x5c());
    return switch (X509SvidVerifier.verify(chain, bundles, signedAt, trustDomain -> false)) {
      case Verdict.Rejected rejected -> new Verification.Invalid("signer", rejected.words());
      case Verdict.Accepted signer when !signer.id().toString().equals(attributes.source()) ->
          new Verification.Invalid(
              "reporter",
              "it is reported by " + attributes.source() + ", signed by " + signer.id());
      case Verdict.Accepted signer ->
          algorithm.verifies(
                  chain.get(0).getPublicKey(),
                  EventSigner.signed(parts[0], record.headers(), record.value()),
                  Base64Url.decode(parts[2]))
              ? new Verification.Signed(signer.id(), chain.get(0), signedAt)
              : new Verification.Invalid("signature", "it is not signed by that key as it is");
    };
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
