package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventSignature;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Signs events with the key of this workload's SVID, so that others can tell later who reported
 * what. An event of a moment without an SVID is sent without a signature. Thread-safe.
 */
final class EventSigner {
  private final Supplier<Optional<X509Svid>> svid;
  private final Clock clock;

  /**
   * @param svid the SVID in use, while there is one
   */
  EventSigner(Supplier<Optional<X509Svid>> svid, Clock clock) {
    this.svid = svid;
    this.clock = clock;
  }

  /** Adds a signature to a record that has its context attributes already. */
  void sign(ProducerRecord<byte[], byte[]> record) {
    Optional<X509Svid> current = svid.get();
    if (current.isPresent()) {
      record
          .headers()
          .add(CloudEvents.SIGNATURE, signature(record, current.get()).getBytes(US_ASCII));
    }
  }

  private String signature(ProducerRecord<byte[], byte[]> record, X509Svid signer) {
    JwtAlgorithm algorithm = JwtAlgorithm.forKey(signer.leaf().getPublicKey());
    EventSignature header =
        new EventSignature(
            algorithm.name(),
            EventSignature.TYPE,
            clock.instant().getEpochSecond(),
            encoded(signer.chain()));
    String prefix = Base64Url.encode(EventCodec.encodeValue(header));
    byte[] signature =
        algorithm.sign(signer.privateKey(), signed(prefix, record.headers(), record.value()));
    return prefix + ".." + Base64Url.encode(signature);
  }

  /** The signing input of RFC 7515 5.1. */
  static byte[] signed(String header, Headers attributes, byte[] value) {
    byte[] content =
        EventSignature.content(
            text(attributes, CloudEvents.TYPE),
            text(attributes, CloudEvents.ID),
            text(attributes, CloudEvents.SOURCE),
            text(attributes, CloudEvents.TIME),
            optional(attributes, CloudEvents.SUBJECT),
            value);
    return (header + "." + Base64Url.encode(content)).getBytes(US_ASCII);
  }

  private static List<String> encoded(List<X509Certificate> chain) {
    List<String> encoded = new ArrayList<>();
    for (X509Certificate certificate : chain) {
      try {
        encoded.add(Base64.getEncoder().encodeToString(certificate.getEncoded()));
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a verified certificate has an encoding", e);
      }
    }
    return encoded;
  }

  private static String text(Headers headers, String name) {
    String text = optional(headers, name);
    return text == null ? "" : text;
  }

  private static @Nullable String optional(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null || header.value() == null ? null : new String(header.value(), UTF_8);
  }
}
