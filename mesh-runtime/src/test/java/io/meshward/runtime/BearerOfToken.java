package io.meshward.runtime;

import io.meshward.schemas.SpiffeId;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Set;
import javax.security.sasl.SaslServer;
import org.apache.kafka.common.security.auth.SaslAuthenticationContext;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.jspecify.annotations.Nullable;

/** A client of Kafka that proved itself with a token, as the broker sees it afterwards. */
record BearerOfToken(SpiffeId id, @Nullable Instant issuedAt)
    implements SaslServer, OAuthBearerToken {

  static SaslAuthenticationContext of(SpiffeId id, @Nullable Instant issuedAt) {
    return new SaslAuthenticationContext(
        new BearerOfToken(id, issuedAt),
        SecurityProtocol.SASL_SSL,
        InetAddress.getLoopbackAddress(),
        "CLIENT");
  }

  @Override
  public String getMechanismName() {
    return "OAUTHBEARER";
  }

  @Override
  public byte[] evaluateResponse(byte[] response) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isComplete() {
    return true;
  }

  @Override
  public String getAuthorizationID() {
    return id.toString();
  }

  @Override
  public byte[] unwrap(byte[] incoming, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte[] wrap(byte[] outgoing, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable Object getNegotiatedProperty(String name) {
    return name.equals("OAUTHBEARER.token") ? this : null;
  }

  @Override
  public void dispose() {}

  @Override
  public String value() {
    return "";
  }

  @Override
  public Set<String> scope() {
    return Set.of();
  }

  @Override
  public long lifetimeMs() {
    return Long.MAX_VALUE;
  }

  @Override
  public String principalName() {
    return id.toString();
  }

  @Override
  public @Nullable Long startTimeMs() {
    return issuedAt == null ? null : issuedAt.toEpochMilli();
  }
}
