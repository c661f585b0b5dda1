package io.meshward.detect;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Envelope;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventSignature;
import io.meshward.testkit.IssuedSvid;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Signs events as reporters do, by the description of the format. */
final class Signing {
  private static final Base64.Encoder BASE64URL = Base64.getUrlEncoder().withoutPadding();

  private Signing() {}

  /** The headers of an event that its reporter signed at a moment. */
  static Headers headers(Envelope<?> event, IssuedSvid svid, Instant at)
      throws GeneralSecurityException {
    RecordHeaders headers = new RecordHeaders();
    CloudEvents.writeHeaders(event, headers);
    List<String> chain = new ArrayList<>();
    for (X509Certificate certificate : svid.certificates()) {
      chain.add(Base64.getEncoder().encodeToString(certificate.getEncoded()));
    }
    String header =
        BASE64URL.encodeToString(
            EventCodec.encodeValue(
                new EventSignature("ES256", EventSignature.TYPE, at.getEpochSecond(), chain)));
    byte[] content =
        EventSignature.content(
            text(headers, CloudEvents.TYPE),
            event.id(),
            event.source(),
            event.time().toString(),
            event.subject(),
            EventCodec.encode(event.data()));
    Signature signer = Signature.getInstance("SHA256withECDSAinP1363Format");
    signer.initSign(svid.privateKey());
    signer.update((header + "." + BASE64URL.encodeToString(content)).getBytes(US_ASCII));
    String signature = header + ".." + BASE64URL.encodeToString(signer.sign());
    return headers.add(CloudEvents.SIGNATURE, signature.getBytes(US_ASCII));
  }

  private static String text(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return new String(header.value(), UTF_8);
  }
}
