package io.meshward.runtime;

import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import java.io.Closeable;
import java.time.Instant;
import java.util.Map;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.apache.kafka.common.Configurable;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.security.auth.AuthenticationContext;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.KafkaPrincipalBuilder;
import org.apache.kafka.common.security.auth.SaslAuthenticationContext;
import org.apache.kafka.common.security.auth.SslAuthenticationContext;
import org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.jspecify.annotations.Nullable;

/**
 * Makes the SPIFFE ID of a client its principal, {@code User:spiffe://…}, so that access control
 * entries name identities: the {@code principal.builder.class} of own brokers whose {@code
 * ssl.engine.factory.class} is {@link MeshSslEngineFactory}, or that take JWT-SVIDs by SASL.
 *
 * <p>Kafka asks for each request. One whose client is held in quarantine or revoked by a list,
 * whose SVID has expired, or that comes before the quarantine was read, is refused by closing its
 * connection. Only the broker's own identity and {@link KafkaSettings#PROTECTED} are served before:
 * with them it reads the quarantine. Principals are serialized as Kafka's own builder does, so that
 * both can be in one cluster. Thread-safe.
 */
public final class MeshPrincipalBuilder implements KafkaPrincipalBuilder, Configurable, Closeable {
  private static final String SCHEME = "spiffe:";
  private static final String OAUTHBEARER = "OAUTHBEARER";

  /** Under this name Kafka's server of that mechanism gives the token. */
  private static final String TOKEN = OAUTHBEARER + ".token";

  private final DefaultKafkaPrincipalBuilder standard =
      new DefaultKafkaPrincipalBuilder(null, null);
  private KafkaIdentities.@Nullable Lease lease;

  @Override
  public void configure(Map<String, ?> properties) {
    KafkaSettings settings = KafkaSettings.of(properties);
    settings.requireQuarantine(settings.source());
    lease = KafkaIdentities.lease(settings);
  }

  /**
   * The principal of a client.
   *
   * @throws AuthenticationException saying why it is refused
   */
  @Override
  public KafkaPrincipal build(AuthenticationContext context) {
    if (context instanceof SslAuthenticationContext tls) {
      return user(peer(tls.session(), address(context)));
    }
    KafkaPrincipal principal = standard.build(context);
    if (!principal.getName().startsWith(SCHEME)) {
      return principal;
    }
    // A name that looks like an identity is one only where a token proved it.
    if (!(context instanceof SaslAuthenticationContext sasl)
        || !OAUTHBEARER.equals(sasl.server().getMechanismName())) {
      throw refused("the name " + principal.getName() + " is not proved by a JWT-SVID");
    }
    return user(bearer(principal.getName(), issuedAt(sasl), address(context)));
  }

  private static @Nullable Instant issuedAt(SaslAuthenticationContext sasl) {
    return sasl.server().getNegotiatedProperty(TOKEN) instanceof OAuthBearerToken token
            && token.startTimeMs() != null
        ? Instant.ofEpochMilli(token.startTimeMs())
        : null;
  }

  private SpiffeId peer(SSLSession session, String ip) {
    try {
      return identity().peer(session, ip);
    } catch (SSLPeerUnverifiedException e) {
      throw refused(String.valueOf(e.getMessage()));
    }
  }

  private SpiffeId bearer(String name, @Nullable Instant issuedAt, String ip) {
    try {
      SpiffeId id = SpiffeId.parse(name);
      if (!id.hasPath()) {
        throw refused(name + " is the ID of a trust domain, not of a workload");
      }
      identity().requireNotHeld(id, issuedAt, ip);
      return id;
    } catch (InvalidSpiffeIdException | SSLPeerUnverifiedException e) {
      throw refused(String.valueOf(e.getMessage()));
    }
  }

  private KafkaIdentity identity() {
    if (lease == null) {
      throw new IllegalStateException("not configured, or closed");
    }
    return lease.identity();
  }

  private static String address(AuthenticationContext context) {
    return context.clientAddress().getHostAddress();
  }

  private static KafkaPrincipal user(SpiffeId id) {
    return new KafkaPrincipal(KafkaPrincipal.USER_TYPE, id.toString());
  }

  private static AuthenticationException refused(String reason) {
    return new SslAuthenticationException("the client is refused: " + reason);
  }

  @Override
  public byte[] serialize(KafkaPrincipal principal) {
    return standard.serialize(principal);
  }

  @Override
  public KafkaPrincipal deserialize(byte[] bytes) {
    return standard.deserialize(bytes);
  }

  @Override
  public void close() {
    if (lease != null) {
      lease.close();
      lease = null;
    }
  }
}
