package io.meshward.runtime;

import java.util.HashMap;
import java.util.Map;

/**
 * The identities of this process's Kafka plugins. Kafka makes each plugin by its class's name, some
 * for each connection: those with equal settings share one watch of the Workload API, which ends
 * with the last of them. Thread-safe.
 */
final class KafkaIdentities {
  private static final Map<KafkaSettings.Source, Open> OPEN = new HashMap<>();

  /** An identity and how many plugins use it. */
  private static final class Open {
    private final KafkaIdentity identity;
    private int users;

    Open(KafkaIdentity identity) {
      this.identity = identity;
    }
  }

  /** One plugin's use of an identity. */
  interface Lease extends AutoCloseable {
    KafkaIdentity identity();

    /** Ends the use; idempotent. */
    @Override
    void close();
  }

  private KafkaIdentities() {}

  /** Uses the identity that a runtime shares, else the one that these settings describe. */
  static Lease lease(KafkaSettings settings) {
    KafkaIdentity shared = settings.shared();
    return shared != null ? new OfRuntime(shared) : open(settings.source());
  }

  private static Lease open(KafkaSettings.Source source) {
    synchronized (OPEN) {
      Open open = OPEN.get(source);
      if (open == null) {
        open = new Open(KafkaIdentity.open(source));
        OPEN.put(source, open);
      }
      open.users++;
      return new OfProcess(source, open);
    }
  }

  private record OfRuntime(KafkaIdentity identity) implements Lease {
    @Override
    public void close() {}
  }

  private static final class OfProcess implements Lease {
    private final KafkaSettings.Source source;
    private final Open open;
    private boolean closed;

    OfProcess(KafkaSettings.Source source, Open open) {
      this.source = source;
      this.open = open;
    }

    @Override
    public KafkaIdentity identity() {
      return open.identity;
    }

    @Override
    public void close() {
      synchronized (OPEN) {
        if (closed) {
          return;
        }
        closed = true;
        open.users--;
        if (open.users > 0) {
          return;
        }
        OPEN.remove(source);
      }
      open.identity.close();
    }
  }
}
