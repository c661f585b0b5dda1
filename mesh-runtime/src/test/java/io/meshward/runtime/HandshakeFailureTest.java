package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.handler.ssl.NotSslRecordException;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.meshward.schemas.TlsHandshake.Result;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class HandshakeFailureTest {

  @Test
  void theResultsAreThoseOfGrfcA118() {
    assertThat(Arrays.stream(Result.values()).map(Enum::name))
        .containsExactlyInAnyOrder(
            "SUCCESS",
            "CERTIFICATE_VERIFICATION_FAILED",
            "CERTIFICATE_REVOKED",
            "CERTIFICATE_EXPIRED",
            "CERTIFICATE_NOT_YET_VALID",
            "CERTIFICATE_AUTHORITY_INVALID",
            "CERTIFICATE_HOSTNAME_MISMATCH",
            "CERTIFICATE_MALFORMED",
            "CIPHER_SUITE_MISMATCH",
            "PROTOCOL_VERSION_UNSUPPORTED",
            "INAPPROPRIATE_FALLBACK",
            "NO_APPLICATION_PROTOCOL",
            "SIGNATURE_VERIFICATION_FAILED",
            "DECRYPTION_FAILED",
            "KEY_EXCHANGE_FAILURE",
            "UNEXPECTED_MESSAGE",
            "HANDSHAKE_TIMEOUT",
            "PEER_CONNECTION_CLOSED",
            "UNKNOWN_FAILURE");
  }

  @ParameterizedTest
  @EnumSource
  void eachOfOurReasonsHasItsResult(RejectionReason reason) {
    HandshakeFailure failure =
        HandshakeFailure.of(new Verdict.Rejected(reason, null, 0, "so it is"));

    assertThat(failure.result()).isEqualTo(ExpectedResults.of(reason.code()));
    assertThat(failure.detail()).isEqualTo(reason.code());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "PEER_DID_NOT_RETURN_A_CERTIFICATE|no_client_cert",
        "KEY_USAGE_BIT_INCORRECT|profile:no_digital_signature",
        "CANNOT_PARSE_LEAF_CERT|malformed",
        "UNSUPPORTED_PROTOCOL|tls_version",
        "WRONG_VERSION_NUMBER|tls_version",
        "TLSV1_ALERT_PROTOCOL_VERSION|tls_version",
        "INAPPROPRIATE_FALLBACK|fallback",
        "TLSV1_ALERT_INAPPROPRIATE_FALLBACK|fallback",
        "NO_SHARED_CIPHER|cipher",
        "NO_SHARED_GROUP|group",
        "WRONG_CURVE|group",
        "NO_APPLICATION_PROTOCOL|no_h2_alpn",
        "TLSV1_ALERT_NO_APPLICATION_PROTOCOL|no_h2_alpn",
        "BAD_SIGNATURE|signature",
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC|decryption",
        "SSLV3_ALERT_BAD_RECORD_MAC|decryption",
        "CLIENTHELLO_PARSE_FAILED|malformed_message",
        "DECODE_ERROR|malformed_message",
        "UNEXPECTED_MESSAGE|unexpected_message",
        "HTTP_REQUEST|plaintext",
        "SSLV3_ALERT_HANDSHAKE_FAILURE|refused_by_peer",
        "SSLV3_ALERT_UNEXPECTED_MESSAGE|refused_by_peer",
        "TLSV1_ALERT_DECODE_ERROR|refused_by_peer",
        "TLSV1_ALERT_INTERNAL_ERROR|refused_by_peer",
        "SOMETHING_NEW|unknown",
      })
  void theNamesOfBoringSslAreUnderstood(String name, String detail) {
    assertReason(
        new SSLHandshakeException("error:10000000:SSL routines:OPENSSL_internal:" + name), detail);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "(certificate_required) Empty client certificate chain|no_client_cert",
        "(bad_certificate) Failed to parse client certificates|malformed",
        "The certificate chain length (9) exceeds the maximum allowed length (8)"
            + "|profile:chain_too_long",
        "(bad_certificate) Failed to parse server certificates|malformed",
        "(protocol_version) The client supported protocol versions [TLSv1.2] are not accepted by"
            + " server preferences [TLSv1.3]|tls_version",
        "(protocol_version) Client requested protocol TLSv1.2 is not enabled or supported in server"
            + " context|tls_version",
        "(protocol_version) Received fatal alert: protocol_version|tls_version",
        "(inappropriate_fallback) Received fatal alert: inappropriate_fallback|fallback",
        "(handshake_failure) no cipher suites in common|cipher",
        "(unexpected_message) No common named group|group",
        "(no_application_protocol) No matching application layer protocol values|no_h2_alpn",
        "(no_application_protocol) Received fatal alert: no_application_protocol|no_h2_alpn",
        "(handshake_failure) Invalid CertificateVerify message: invalid signature|signature",
        "(bad_record_mac) Tag mismatch|decryption",
        "(bad_record_mac) Received fatal alert: bad_record_mac|decryption",
        "(decode_error) Illegal handshake message: client_hello|malformed_message",
        "(unexpected_message) Unexpected handshake message: finished|unexpected_message",
        "Unrecognized SSL message, plaintext connection?|plaintext",
        "(handshake_failure) Received fatal alert: handshake_failure|refused_by_peer",
        "(unexpected_message) Received fatal alert: unexpected_message|refused_by_peer",
        "(decode_error) Received fatal alert: decode_error|refused_by_peer",
        "(handshake_failure) No available authentication scheme|unknown",
      })
  void theWordsOfTheJdkAreUnderstoodWithAndWithoutTheAlertBeforeThem(String words, String detail) {
    assertReason(new SSLHandshakeException(words), detail);
    assertReason(new SSLHandshakeException(words.replaceFirst("^\\([a-z_]+\\) ", "")), detail);
  }

  @ParameterizedTest
  @CsvSource({
    "SSLV3_ALERT_BAD_CERTIFICATE, bad_certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, unsupported_certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED, certificate_revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED, certificate_expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN, certificate_unknown",
    "TLSV1_ALERT_CERTIFICATE_REQUIRED, certificate_required",
    "TLSV1_ALERT_UNKNOWN_CA, unknown_ca",
  })
  void aPeerThatRefusesOurCertificateIsToldFromOneThatRefusesElse(String boringSsl, String jdk) {
    for (String words :
        new String[] {
          "error:10000000:SSL routines:OPENSSL_internal:" + boringSsl,
          "Received fatal alert: " + jdk,
          "(" + jdk + ") Received fatal alert: " + jdk
        }) {
      HandshakeFailure failure = HandshakeFailure.of(new SSLHandshakeException(words));
      assertThat(failure.result()).as(words).isEqualTo(Result.CERTIFICATE_VERIFICATION_FAILED);
      assertThat(failure.detail()).as(words).isEqualTo("refused_by_peer");
    }
  }

  @Test
  void ourOwnVerdictIsFoundHoweverDeepItLies() {
    SvidRejectedException ours =
        new SvidRejectedException(
            new Verdict.Rejected(RejectionReason.QUARANTINED, null, 0, "held"), List.of());
    SSLHandshakeException wrapped =
        new SSLHandshakeException("(certificate_unknown) Received fatal alert: protocol_version");
    wrapped.initCause(new IOException(ours));

    HandshakeFailure failure = HandshakeFailure.of(wrapped);

    assertThat(failure.detail()).isEqualTo("quarantined");
    assertThat(failure.result()).isEqualTo(Result.CERTIFICATE_REVOKED);
    assertThat(failure.rejection()).isSameAs(ours);
  }

  @Test
  void whatNettySaysIsUnderstood() {
    assertReason(new NotSslRecordException("not an SSL/TLS record: 474554"), "plaintext");
    assertReason(
        new SslHandshakeTimeoutException("handshake timed out after 10000ms"), "handshake_timeout");
    assertReason(new ClosedChannelException(), "peer_closed");
    assertReason(new IOException("Connection reset by peer"), "peer_closed");
    assertReason(new SSLException("closed before the handshake ended"), "peer_closed");
    assertReason(new SSLException("something else"), "unknown");
    assertReason(new IllegalStateException(), "unknown");
  }

  private static void assertReason(Throwable cause, String detail) {
    HandshakeFailure failure = HandshakeFailure.of(cause);
    assertThat(failure.detail()).as(cause.toString()).isEqualTo(detail);
    assertThat(failure.result()).as(cause.toString()).isEqualTo(ExpectedResults.of(detail));
    assertThat(failure.rejection()).isNull();
  }
}
