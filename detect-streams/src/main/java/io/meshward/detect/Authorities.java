package io.meshward.detect;

import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.runtime.EventTrust;
import io.meshward.runtime.OwnTrust;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reporters of events that are believed: by the authorities that come with this process's own
 * SVID, which is that of its Kafka clients, and unless they are held or revoked. Without one it
 * trusts nobody, and says so at its start. Thread-safe.
 */
final class Authorities implements Supplier<EventTrust>, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Authorities.class);
  private static final EventTrust NOBODY = EventTrust.in(Map.of());

  private final KafkaConfig kafka;
  private volatile @Nullable OwnTrust own;

  Authorities(KafkaConfig kafka, Metrics metrics) {
    this.kafka = kafka;
    if (OwnTrust.isNamed(kafka.properties())) {
      metrics.gauge(Metric.DETECT_QUARANTINE_AGE, this::quarantineAge);
    } else {
      log.atWarn()
          .log(
              "this process has no identity: nobody's signature can be verified, and what events of"
                  + " the mesh prove is left to people. Expected meshward.workload.api under"
                  + " kafka.properties");
    }
  }

  /**
   * Waits for the SVID, if this process is to have one, and until it is known who is held.
   *
   * @throws io.meshward.runtime.MeshRuntimeException if that does not come in time; it says what to
   *     check
   */
  synchronized void await() {
    if (own == null && OwnTrust.isNamed(kafka.properties())) {
      own = OwnTrust.open(kafka.reader("detect-quarantine"), kafka.prefix());
    }
  }

  @Override
  public EventTrust get() {
    OwnTrust opened = own;
    return opened == null ? NOBODY : opened.current();
  }

  private double quarantineAge() {
    OwnTrust opened = own;
    return opened == null ? -1 : opened.quarantineAgeMs() / 1000.0;
  }

  @Override
  public synchronized void close() {
    OwnTrust opened = own;
    if (opened != null) {
      opened.close();
    }
  }
}
