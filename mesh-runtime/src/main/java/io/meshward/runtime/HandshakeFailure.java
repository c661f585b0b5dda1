package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.handler.ssl.NotSslRecordException;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.meshward.schemas.TlsHandshake.Result;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Why a TLS handshake failed, read from what Netty, BoringSSL or the JDK say of it.
 *
 * @param result the outcome of gRFC A118
 * @param detail our reason code
 * @param rejection our own verdict, if that ended it
 */
record HandshakeFailure(Result result, String detail, @Nullable SvidRejectedException rejection) {
  static final HandshakeFailure TIMEOUT =
      new HandshakeFailure(Result.HANDSHAKE_TIMEOUT, "handshake_timeout", null);
  static final HandshakeFailure NO_ALPN =
      new HandshakeFailure(Result.NO_APPLICATION_PROTOCOL, "no_h2_alpn", null);

  /** A phrase that a TLS library uses, and what it means. */
  private record Phrase(String text, Result result, String detail) {}

  private static final Phrase[] PHRASES = {
    // BoringSSL's names, then the JDK's words.
    phrase("peer_did_not_return_a_certificate", RejectionReason.NO_CLIENT_CERT),
    phrase("empty client certificate chain", RejectionReason.NO_CLIENT_CERT),
    // BoringSSL looks at this bit by itself, before it asks for a verdict.
    phrase("key_usage_bit_incorrect", RejectionReason.NO_DIGITAL_SIGNATURE),
    // The JDK counts the certificates while it reads them.
    phrase("certificate chain length", RejectionReason.CHAIN_TOO_LONG),
    new Phrase("unsupported_protocol", Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version"),
    new Phrase("protocol_version", Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version"),
    new Phrase("wrong_version_number", Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version"),
    new Phrase(
        "not accepted by server preferences", Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version"),
    new Phrase("client requested protocol", Result.PROTOCOL_VERSION_UNSUPPORTED, "tls_version"),
    new Phrase("inappropriate_fallback", Result.INAPPROPRIATE_FALLBACK, "fallback"),
    new Phrase("no_shared_cipher", Result.CIPHER_SUITE_MISMATCH, "cipher"),
    new Phrase("no cipher suites in common", Result.CIPHER_SUITE_MISMATCH, "cipher"),
    new Phrase("no_shared_group", Result.KEY_EXCHANGE_FAILURE, "group"),
    new Phrase("wrong_curve", Result.KEY_EXCHANGE_FAILURE, "group"),
    new Phrase("no common named group", Result.KEY_EXCHANGE_FAILURE, "group"),
    new Phrase("no_application_protocol", Result.NO_APPLICATION_PROTOCOL, "no_h2_alpn"),
    new Phrase(
        "no matching application layer protocol", Result.NO_APPLICATION_PROTOCOL, "no_h2_alpn"),
    new Phrase("bad_signature", Result.SIGNATURE_VERIFICATION_FAILED, "signature"),
    new Phrase("certificateverify", Result.SIGNATURE_VERIFICATION_FAILED, "signature"),
    new Phrase("decryption_failed", Result.DECRYPTION_FAILED, "decryption"),
    new Phrase("bad_decrypt", Result.DECRYPTION_FAILED, "decryption"),
    new Phrase("bad_record_mac", Result.DECRYPTION_FAILED, "decryption"),
    new Phrase("tag mismatch", Result.DECRYPTION_FAILED, "decryption"),
    certificateAlert("alert_certificate"),
    certificateAlert("alert_unknown_ca"),
    certificateAlert("alert_bad_certificate"),
    certificateAlert("alert_unsupported_certificate"),
    certificateAlert("fatal alert: certificate"),
    certificateAlert("fatal alert: unknown_ca"),
    certificateAlert("fatal alert: bad_certificate"),
    certificateAlert("fatal alert: unsupported_certificate"),
    // Any other alert that was received; what the library found wrong itself is not called so.
    new Phrase("_alert_", Result.UNKNOWN_FAILURE, "refused_by_peer"),
    new Phrase("fatal alert: ", Result.UNKNOWN_FAILURE, "refused_by_peer"),
    new Phrase("clienthello_parse_failed", Result.UNEXPECTED_MESSAGE, "malformed_message"),
    new Phrase("decode_error", Result.UNEXPECTED_MESSAGE, "malformed_message"),
    new Phrase("illegal handshake message", Result.UNEXPECTED_MESSAGE, "malformed_message"),
    new Phrase("unexpected_message", Result.UNEXPECTED_MESSAGE, "unexpected_message"),
    new Phrase("unexpected handshake message", Result.UNEXPECTED_MESSAGE, "unexpected_message"),
    new Phrase("unrecognized ssl message", Result.UNEXPECTED_MESSAGE, "plaintext"),
    new Phrase("http_request", Result.UNEXPECTED_MESSAGE, "plaintext"),
    phrase("cannot_parse_leaf_cert", RejectionReason.MALFORMED),
    phrase("failed to parse client certificates", RejectionReason.MALFORMED),
    phrase("failed to parse server certificates", RejectionReason.MALFORMED),
  };

  /** Reads a failure of {@code SslHandler.handshakeFuture()}. */
  static HandshakeFailure of(Throwable cause) {
    for (Throwable step = cause; step != null; step = step.getCause()) {
      if (step instanceof SvidRejectedException rejected) {
        RejectionReason reason = rejected.rejection().reason();
        return new HandshakeFailure(reason.result(), reason.code(), rejected);
      }
      if (step instanceof NotSslRecordException) {
        return new HandshakeFailure(Result.UNEXPECTED_MESSAGE, "plaintext", null);
      }
      if (step instanceof SslHandshakeTimeoutException) {
        return TIMEOUT;
      }
    }
    for (Throwable step = cause; step != null; step = step.getCause()) {
      String message = String.valueOf(step.getMessage()).toLowerCase(Locale.ROOT);
      for (Phrase phrase : PHRASES) {
        if (message.contains(phrase.text())) {
          return new HandshakeFailure(phrase.result(), phrase.detail(), null);
        }
      }
    }
    if (cause instanceof ClosedChannelException || (cause instanceof IOException io && reset(io))) {
      return new HandshakeFailure(Result.PEER_CONNECTION_CLOSED, "peer_closed", null);
    }
    return new HandshakeFailure(Result.UNKNOWN_FAILURE, "unknown", null);
  }

  /** A refusal of ours that needs no failed handshake. */
  static HandshakeFailure of(Verdict.Rejected rejected) {
    return new HandshakeFailure(rejected.reason().result(), rejected.reason().code(), null);
  }

  /** A refusal of a peer without a certificate, which has claimed something. */
  static HandshakeFailure ofClaim(Verdict.Rejected rejected) {
    return new HandshakeFailure(
        rejected.reason().result(),
        rejected.reason().code(),
        new SvidRejectedException(rejected, List.of()));
  }

  private static boolean reset(IOException e) {
    return !(e instanceof javax.net.ssl.SSLException)
        || String.valueOf(e.getMessage()).contains("closed");
  }

  private static Phrase phrase(String text, RejectionReason reason) {
    return new Phrase(text, reason.result(), reason.code());
  }

  /** The peer finds our certificate wrong. */
  private static Phrase certificateAlert(String text) {
    return new Phrase(text, Result.CERTIFICATE_VERIFICATION_FAILED, "refused_by_peer");
  }
}
