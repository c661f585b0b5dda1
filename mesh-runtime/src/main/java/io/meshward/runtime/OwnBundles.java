package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.Map;
import org.apache.kafka.common.config.ConfigException;

/**
 * The trust bundles that a process is given with its own SVID, as they are at each moment: those of
 * the identity that its Kafka clients have, or could have. It shares their watch of the Workload
 * API. Thread-safe.
 */
public final class OwnBundles implements AutoCloseable {
  private final KafkaIdentities.Lease lease;

  private OwnBundles(KafkaIdentities.Lease lease) {
    this.lease = lease;
  }

  /**
   * Whether properties of Kafka clients say where an identity comes from: they name a Workload API,
   * or our plugins.
   */
  public static boolean areNamed(Map<String, ?> properties) {
    return properties.get(KafkaSettings.WORKLOAD_API) != null
        || KafkaSettings.takesIdentity(properties);
  }

  /**
   * Opens the identity and waits for its SVID.
   *
   * @param properties of this process's Kafka clients
   * @throws MeshRuntimeException if no SVID comes in time, or a setting is wrong; it says what to
   *     check
   */
  public static OwnBundles open(Map<String, ?> properties) {
    try {
      return new OwnBundles(KafkaIdentities.lease(KafkaSettings.of(properties)));
    } catch (ConfigException e) {
      throw new MeshRuntimeException(String.valueOf(e.getMessage()), e);
    }
  }

  /** The bundles of now, by trust domain; those of before if the SVID is gone. */
  public Map<TrustDomain, TrustBundle> current() {
    return lease.identity().currentBundles();
  }

  @Override
  public void close() {
    lease.close();
  }
}
