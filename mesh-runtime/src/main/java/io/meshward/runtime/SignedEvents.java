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
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Verifies who reported an event: the signature in {@code ce_signature}, as {@link EventSignature}
 * has it, by an X.509-SVID of the very identity in {@code ce_source}, up to an authority of its
 * trust domain. Pure functions; thread-safe.
 *
 * <p>What is proved false by the event alone is {@link Verification.Invalid}. What hangs on whom
 * and when this reader trusts is {@link Verification.Unverified} where it does not hold: an
 * authority that it does not know may be one that is new, or gone, or of a forger.
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
     * The event may be as its reporter sent it: its signature fits, but by whom it is was not
     * proved.
     *
     * @param reason a stable code: {@code signer}, of a certificate that leads to no authority that
     *     is trusted and was at the time; {@code time}, of a signature that was not made when the
     *     event happened and was sent
     * @param words what is missing, for people
     */
    record Unverified(String reason, String words) implements Verification {}

    /**
     * The event is not what its reporter sent.
     *
     * @param reason a stable code: {@code malformed}, {@code reporter}, {@code signature}
     * @param words what is wrong, for people
     */
    record Invalid(String reason, String words) implements Verification {}
  }

  /** As {@link #verify(Headers, byte[], Instant, Map)}, of a record as it was read. */
  public static Verification verify(
      ConsumerRecord<byte[], byte[]> record, Map<TrustDomain, TrustBundle> bundles) {
    return verify(
        record.headers(), record.value(), Instant.ofEpochMilli(record.timestamp()), bundles);
  }

  /**
   * Verifies an event.
   *
   * @param recordedAt the record's own timestamp
   * @param bundles the authorities of the trust domains that events are believed from, such as
   *     {@link WorkloadIdentity#bundles}; what is proved false is so without any
   */
  public static Verification verify(
      Headers headers,
      byte @Nullable [] value,
      Instant recordedAt,
      Map<TrustDomain, TrustBundle> bundles) {
    Header header = headers.lastHeader(CloudEvents.SIGNATURE);
    if (header == null) {
      return new Verification.Unsigned();
    }
    if (header.value() == null || value == null) {
      return new Verification.Invalid("malformed", "the signature or the value is null");
    }
    try {
      return verify(new String(header.value(), US_ASCII), headers, value, recordedAt, bundles);
    } catch (MalformedEventException | CertificateException | IllegalArgumentException e) {
      return new Verification.Invalid("malformed", String.valueOf(e.getMessage()));
    }
  }

  private static Verification verify(
      String signature,
      Headers headers,
      byte[] value,
      Instant recordedAt,
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
    CloudEvents.Attributes attributes = CloudEvents.attributes(headers);
    List<X509Certificate> chain = chain(header.x5c());
    List<String> names = Certificates.uriNames(chain.get(0));
    if (!names.equals(List.of(attributes.source()))) {
      return new Verification.Invalid(
          "reporter", "it is reported by " + attributes.source() + ", signed by " + names);
    }
    byte[] signed = EventSigner.signed(parts[0], headers, value);
    if (!algorithm.verifies(chain.get(0).getPublicKey(), signed, Base64Url.decode(parts[2]))) {
      return new Verification.Invalid("signature", "it is not signed by that key as it is");
    }
    Instant signedAt = Instant.ofEpochSecond(Math.min(header.iat(), Integer.MAX_VALUE * 100L));
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
    return switch (X509SvidVerifier.verify(chain, bundles, signedAt, trustDomain -> false)) {
      case Verdict.Rejected rejected -> new Verification.Unverified("signer", rejected.words());
      case Verdict.Accepted signer -> new Verification.Signed(signer.id(), chain.get(0), signedAt);
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
