package io.meshward.detect;

import io.meshward.daemon.KafkaConfig;
import io.meshward.runtime.OwnBundles;
import io.meshward.runtime.TrustBundle;
import io.meshward.schemas.TrustDomain;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The authorities that reporters of events are verified by: those that come with this process's own
 * SVID, which is that of its Kafka clients. Without one it trusts nobody, and says so at its start.
 * Thread-safe.
 */
final class Authorities implements Supplier<Map<TrustDomain, TrustBundle>>, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Authorities.class);

  private final Map<String, String> properties;
  private volatile @Nullable OwnBundles own;

  Authorities(KafkaConfig kafka) {
    this.properties = kafka.properties();
    if (!OwnBundles.areNamed(properties)) {
      log.atWarn()
          .log(
              "this process has no identity: nobody's signature can be verified, and what events of"
                  + " the mesh prove is left to people. Expected meshward.workload.api under"
                  + " kafka.properties");
    }
  }

  /**
   * Waits for the SVID, if this process is to have one.
   *
   * @throws io.meshward.runtime.MeshRuntimeException if none comes in time; it says what to check
   */
  synchronized void await() {
    if (own == null && OwnBundles.areNamed(properties)) {
      own = OwnBundles.open(properties);
    }
  }

  @Override
  public Map<TrustDomain, TrustBundle> get() {
    OwnBundles opened = own;
    return opened == null ? Map.of() : opened.current();
  }

  @Override
  public synchronized void close() {
    OwnBundles opened = own;
    if (opened != null) {
      opened.close();
    }
  }
}
