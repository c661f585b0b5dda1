package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The identities of this process's Kafka plugins. Kafka makes each plugin by its class's name, some
 * for each connection: those with equal settings share one watch of the Workload API, which ends
 * with the last of them. They wait for its SVID together, and for no other identity. Thread-safe.
 */
final class KafkaIdentities {
  private static final Map<KafkaSettings.Source, Open> OPEN = new HashMap<>();

  /** An identity, once its SVID is there, and how many plugins use it or wait for it. */
  private static final class Open {
    private final CompletableFuture<KafkaIdentity> identity = new CompletableFuture<>();
    private int users;
  }

  /** One plugin's use of an identity. */
  interface Lease extends AutoCloseable {
    KafkaIdentity identity();

    /** Ends the use; idempotent. */
    @Override
    void close();
  }

  private KafkaIdentities() {}

  /**
   * Uses the identity that a runtime shares, else the one that these settings describe.
   *
   * @throws org.apache.kafka.common.config.ConfigException if a setting is wrong
   * @throws MeshRuntimeException if no SVID comes in time; it says what to check
   */
  static Lease lease(KafkaSettings settings) {
    KafkaIdentity shared = settings.shared();
    return shared != null ? new OfRuntime(shared) : open(settings.source());
  }

  private static Lease open(KafkaSettings.Source source) {
    Open open;
    synchronized (OPEN) {
      open = OPEN.get(source);
      if (open == null) {
        Open opening = new Open();
        open = opening;
        OPEN.put(source, open);
        // On a thread of its own: whoever is interrupted takes it from no other who waits.
        Thread.ofPlatform()
            .daemon()
            .name("meshward-kafka-identity")
            .start(() -> open(source, opening));
      }
      open.users++;
    }
    OfProcess lease = new OfProcess(source, open);
    try {
      lease.await();
      return lease;
    } catch (RuntimeException | Error e) {
      lease.close();
      throw e;
    }
  }

  private static void open(KafkaSettings.Source source, Open opening) {
    try {
      opening.identity.complete(KafkaIdentity.open(source));
    } catch (RuntimeException | Error e) {
      // Who comes next tries again.
      synchronized (OPEN) {
        OPEN.remove(source, opening);
      }
      opening.identity.completeExceptionally(e);
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
      return open.identity.join();
    }

    /** Until the identity is open or cannot be, which takes it no longer than its own deadline. */
    void await() {
      try {
        KafkaIdentity unused = open.identity.get();
      } catch (ExecutionException e) {
        switch (requireNonNull(e.getCause())) {
          case RuntimeException failure -> throw failure;
          case Error failure -> throw failure;
          case Throwable failure ->
              throw new IllegalStateException(
                  "an identity is opened without other exceptions", failure);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new MeshRuntimeException("interrupted while waiting for the first SVID", e);
      }
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
        OPEN.remove(source, open);
      }
      var unused = open.identity.thenAccept(KafkaIdentity::close);
    }
  }
}
