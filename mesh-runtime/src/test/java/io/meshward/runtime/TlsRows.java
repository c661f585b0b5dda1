package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.google.protobuf.ByteString;
import io.meshward.runtime.Wrong.Attack;
import io.meshward.schemas.TlsHandshake.Role;
import io.meshward.testkit.TestTrustDomain;
import java.time.Duration;
import java.util.List;

/**
 * Peers that do not speak our TLS, or none, or show nothing. Who finds no common group is the
 * server: a client of ours hears of it by an alert.
 */
final class TlsRows {
  private static final byte[] MALFORMED_HELLO = {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0};
  private static final byte[] HALF_A_HELLO = {0x16, 3, 1, 2, 0, 1, 0, 1, 0, 3};
  private static final byte[] NOISE = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

  private TlsRows() {}

  static void addTo(Rows rows) {
    boolean server = rows.role == Role.SERVER;
    rows.speaks("TLS 1.2 is spoken", "tls_version", Speech.USUAL.withProtocol("TLSv1.2"));
    rows.speaks("no protocol is agreed on by ALPN", "no_h2_alpn", Speech.USUAL.withAlpn());
    rows.speaks(
        "HTTP/1.1 is all that is spoken by ALPN", "no_h2_alpn", Speech.USUAL.withAlpn("http/1.1"));
    rows.speaks(
        "no group of the key exchange is common",
        server ? "group" : "refused_by_peer",
        Speech.USUAL.withGroups("secp384r1"));
    rows.says("HTTP/2 is spoken without TLS", "plaintext", Attacker.HTTP_2_PREFACE, false);
    rows.says(
        "HTTP/1.1 is spoken without TLS",
        "plaintext",
        "GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII),
        false);
    rows.says("noise is sent", "plaintext", NOISE, false);
    rows.says("the connection ends at once", "peer_closed", new byte[0], true);
    rows.says(
        "the hello is malformed",
        server ? "malformed_message" : "unexpected_message",
        MALFORMED_HELLO,
        false);
    rows.says("the hello breaks off", "peer_closed", HALF_A_HELLO, true);
    rows.add(
        "nothing is said until the time for the handshake is over",
        "handshake_timeout",
        new Attack.Against(
            builder ->
                builder.limits(
                    TransportLimits.defaults().withHandshakeTimeout(Duration.ofMillis(100))),
            new Attack.Says(ByteString.EMPTY, false)));
    if (server) {
      rows.shows("no certificate is shown", "no_client_cert", nothing());
    }
  }

  private static Shown nothing() {
    return new Shown(
        List.of(), new ForgedSvids(TestTrustDomain.create("nobody.test")).root().key());
  }
}
