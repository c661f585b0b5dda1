package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.meshward.schemas.TopicCatalogue;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.config.ConfigException;

/**
 * Whom a process that reads events believes, as it stands at each moment: the authorities that it
 * is given with its own SVID, which is that of its Kafka clients, less whom the revocation lists
 * that come with it or a hold of the quarantine refuse. It shares their watch of the Workload API.
 * When Kafka is lost the holds stay as they were. Thread-safe.
 */
public final class OwnTrust implements AutoCloseable {
  private static final Duration QUARANTINE_DEADLINE = Duration.ofSeconds(30);

  private final KafkaIdentities.Lease lease;
  private final KafkaQuarantineSource quarantine;
  private final CountDownLatch read = new CountDownLatch(1);
  private volatile Holds holds = Holds.unread();

  private OwnTrust(KafkaIdentities.Lease lease, KafkaQuarantineSource quarantine) {
    this.lease = lease;
    this.quarantine = quarantine;
  }

  /**
   * Whether properties of Kafka clients say where an identity comes from: they name a Workload API,
   * or our plugins.
   */
  public static boolean isNamed(Map<String, ?> properties) {
    return properties.get(KafkaSettings.WORKLOAD_API) != null
        || KafkaSettings.takesIdentity(properties);
  }

  /**
   * Opens the identity, waits for its SVID and until the quarantine has been read to its end.
   *
   * @param reader properties of the Kafka consumer that reads the quarantine; they say where the
   *     identity comes from, too
   * @param prefix what the names of Meshward's topics start with
   * @throws MeshRuntimeException if either does not come in time, or a setting is wrong; it says
   *     what to check
   */
  public static OwnTrust open(Map<String, Object> reader, String prefix) {
    KafkaIdentities.Lease lease;
    try {
      lease = KafkaIdentities.lease(KafkaSettings.of(reader));
    } catch (ConfigException e) {
      throw new MeshRuntimeException(String.valueOf(e.getMessage()), e);
    }
    EventReporter unheard =
        new EventReporter(
            new NoEvents(), Clock.systemUTC(), () -> null, null, null, "quarantine-reader");
    OwnTrust trust = new OwnTrust(lease, new KafkaQuarantineSource(reader, prefix, unheard));
    try {
      trust.readQuarantine(prefix);
      return trust;
    } catch (RuntimeException e) {
      trust.close();
      throw e;
    }
  }

  private void readQuarantine(String prefix) {
    quarantine.watch(
        all -> {
          holds = Holds.of(all, IdentityPatterns.NONE);
          read.countDown();
        });
    try {
      if (!read.await(QUARANTINE_DEADLINE.toMillis(), MILLISECONDS)) {
        throw new MeshRuntimeException(
            TopicCatalogue.QUARANTINE.name(prefix)
                + " could not be read within "
                + QUARANTINE_DEADLINE.toSeconds()
                + " s. Check that the topic exists and that this process may read it: meshward"
                + " topics apply, with --acls where brokers ask for rights");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MeshRuntimeException("interrupted while reading the quarantine", e);
    }
  }

  /** Whom to believe now; by the bundles of before if the SVID is gone. */
  public EventTrust current() {
    Trust.Snapshot known = lease.identity().knownToClients();
    return new EventTrust(known.bundles(), holds, known.revocations());
  }

  /** How long ago the holds were last known to be those of the topic, in milliseconds. */
  public long quarantineAgeMs() {
    return quarantine.ageMs();
  }

  @Override
  public void close() {
    quarantine.close();
    lease.close();
  }
}
