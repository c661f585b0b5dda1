package io.meshward.runtime;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.auth.SaslExtensionsCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.jspecify.annotations.Nullable;

/**
 * Logs in to brokers with JWT-SVIDs, for those that are run by others and verify tokens by a JWK
 * set: the {@code sasl.login.callback.handler.class} of clients, beside {@code
 * security.protocol=SASL_SSL} and {@code sasl.mechanism=OAUTHBEARER}. {@link KafkaSettings} says
 * which properties it reads; {@link KafkaSettings#AUDIENCE} is required. Each may also be an option
 * in {@code sasl.jaas.config}, which comes first: Kafka lets clients with equal {@code
 * sasl.jaas.config} share one login, so a process with several audiences or identities names them
 * there. Kafka asks for a new token before the one in use ends.
 */
public final class JwtSvidLoginHandler implements AuthenticateCallbackHandler {
  private static final String OAUTHBEARER = "OAUTHBEARER";

  private KafkaIdentities.@Nullable Lease lease;
  private String audience = "";

  /**
   * Prepares to fetch tokens.
   *
   * @throws ConfigException if a property is missing or wrong
   * @throws MeshRuntimeException if the Workload API gives no identity; it says what to check
   */
  @Override
  public void configure(
      Map<String, ?> properties, String mechanism, List<AppConfigurationEntry> jaasEntries) {
    if (!OAUTHBEARER.equals(mechanism)) {
      throw new ConfigException("sasl.mechanism", mechanism, "expected " + OAUTHBEARER);
    }
    Map<String, Object> all = new HashMap<>(properties);
    jaasEntries.forEach(entry -> all.putAll(entry.getOptions()));
    KafkaSettings settings = KafkaSettings.of(all);
    audience = settings.audience();
    lease = KafkaIdentities.lease(settings);
  }

  @Override
  public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
    for (Callback callback : callbacks) {
      if (callback instanceof OAuthBearerTokenCallback wanted) {
        wanted.token(token());
      } else if (!(callback instanceof SaslExtensionsCallback)) {
        throw new UnsupportedCallbackException(callback);
      }
    }
  }

  private Token token() throws IOException {
    KafkaIdentities.Lease open = lease;
    if (open == null) {
      throw new IOException("not configured, or closed");
    }
    try {
      return new Token(open.identity().jwtSvids().fetchOwn(List.of(audience)));
    } catch (MeshRuntimeException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    if (lease != null) {
      lease.close();
      lease = null;
    }
  }

  /** A JWT-SVID as Kafka sees tokens; never printed. */
  private record Token(JwtSvid svid) implements OAuthBearerToken {
    @Override
    public String value() {
      return svid.token();
    }

    @Override
    public Set<String> scope() {
      return Set.of();
    }

    @Override
    public long lifetimeMs() {
      return svid.expiresAt().toEpochMilli();
    }

    @Override
    public String principalName() {
      return svid.id().toString();
    }

    @Override
    public @Nullable Long startTimeMs() {
      return null;
    }
  }
}
