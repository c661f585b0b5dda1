package io.meshward.runtime;

import java.security.KeyStore;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.security.auth.SslEngineFactory;
import org.jspecify.annotations.Nullable;

/**
 * TLS for Kafka with this workload's SVID: the {@code ssl.engine.factory.class} of clients and of
 * own brokers, beside {@code security.protocol=SSL}. Its properties are those of {@link
 * KafkaSettings}; a runtime gives them ready to use by {@link MeshRuntime#kafkaClient}.
 *
 * <p>TLS 1.3 only, both sides with a certificate. Each connection takes the SVID that is current.
 * SVIDs have no host names, so {@code ssl.endpoint.identification.algorithm} means nothing here: a
 * client judges its broker by the SPIFFE IDs of {@link KafkaSettings#BROKERS}. A broker lets in
 * whoever has a valid SVID, and leaves the rest to {@link MeshPrincipalBuilder}.
 *
 * <p>The handshakes of clients with the properties of {@link MeshRuntime#kafkaClient} are events of
 * that runtime. Those of the runtime's own clients, which carry its events, are not: a handshake to
 * send an event about would be the cause of the next one. A broker, and a client without a runtime,
 * have nowhere to report to. Connections of all clients are cut when an SVID of one ends, and when
 * whom to trust changes against the broker; those at a broker are judged at each request.
 * Thread-safe.
 */
public final class MeshSslEngineFactory implements SslEngineFactory {
  private KafkaIdentities.@Nullable Lease lease;
  private IdentityPatterns brokers = IdentityPatterns.NONE;
  private boolean brokersAreKnown;
  private @Nullable DialledEngines watch;

  /**
   * Waits for the first SVID, half a minute at most, unless a runtime shares its own.
   *
   * @throws ConfigException if a property is missing or wrong
   * @throws MeshRuntimeException if no SVID comes in time; it says what to check
   */
  @Override
  public void configure(Map<String, ?> properties) {
    KafkaSettings settings = KafkaSettings.of(properties);
    brokersAreKnown = properties.get(KafkaSettings.BROKERS) != null;
    if (properties.containsKey(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG) && !brokersAreKnown) {
      throw brokersUnknown();
    }
    brokers = settings.brokers();
    watch = settings.watchedBy();
    lease = KafkaIdentities.lease(settings);
  }

  @Override
  public SSLEngine createClientSslEngine(
      String peerHost, int peerPort, @Nullable String endpointIdentification) {
    if (!brokersAreKnown) {
      throw brokersUnknown();
    }
    return identity().clientEngine(peerHost, peerPort, brokers, watch);
  }

  @Override
  public SSLEngine createServerSslEngine(String peerHost, int peerPort) {
    return identity().serverEngine(peerHost, peerPort);
  }

  private KafkaIdentity identity() {
    if (lease == null) {
      throw new IllegalStateException("not configured, or closed");
    }
    return lease.identity();
  }

  private static ConfigException brokersUnknown() {
    return new ConfigException(
        KafkaSettings.BROKERS + " is absent: expected the SPIFFE IDs of the brokers, with commas");
  }

  /** Never: what changes comes with the SVID. */
  @Override
  public boolean shouldBeRebuilt(Map<String, Object> nextConfigs) {
    return false;
  }

  @Override
  public Set<String> reconfigurableConfigs() {
    return Set.of();
  }

  /** None: the key never leaves the runtime. */
  @Override
  public @Nullable KeyStore keystore() {
    return null;
  }

  @Override
  public @Nullable KeyStore truststore() {
    return null;
  }

  @Override
  public void close() {
    if (lease != null) {
      lease.close();
      lease = null;
    }
  }
}
