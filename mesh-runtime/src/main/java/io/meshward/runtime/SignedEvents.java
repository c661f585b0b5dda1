package io.meshward.runtime;

import io.meshward.schemas.EventSignature;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Verifies who reported an event: the signature in {@code ce_signature}, as {@link EventSignature}
 * has it, by an X.509-SVID of the very identity in {@code ce_source}, up to an authority of its
 * trust domain. Pure functions; thread-safe. Whoever verifies many has an {@link EventVerifier}.
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
     *     event happened and was sent; of a signer whom nobody should believe now {@code
     *     quarantined} or {@code revoked}, and {@code quarantine_unread} or {@code
     *     revocation_undetermined} where that is not known
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
    return new EventVerifier()
        .verify(headers, value, recordedAt, EventTrust.in(bundles), recordedAt);
  }
}
