package io.meshward.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/** Processor time of this process's platform threads, by what they are for. */
final class ThreadShares {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** What threads are for. */
  enum Role {
    /** Makes records of events, which takes JSON, and gives them to the producer. */
    SINK("the sink's thread"),
    /** Sends batches of records and takes the broker's answers. */
    PRODUCER("the producer's"),
    BROKER("the broker's"),
    CALLS("those of gRPC, the runtime and the load");

    private final String label;

    Role(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  private final Map<Long, Long> nanos = new HashMap<>();
  private final Map<Long, Role> roles = new HashMap<>();

  private ThreadShares() {}

  /** What every thread has used so far. */
  static ThreadShares now() {
    ThreadShares shares = new ThreadShares();
    for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
      if (thread != null) {
        shares.nanos.put(
            thread.getThreadId(), Math.max(0, THREADS.getThreadCpuTime(thread.getThreadId())));
        shares.roles.put(thread.getThreadId(), role(thread.getThreadName()));
      }
    }
    return shares;
  }

  /** Microseconds by role since then, of threads that live now. */
  Map<Role, Double> microsSince(ThreadShares before) {
    Map<Role, Double> micros = new EnumMap<>(Role.class);
    nanos.forEach(
        (thread, used) ->
            micros.merge(
                roles.getOrDefault(thread, Role.CALLS),
                (used - before.nanos.getOrDefault(thread, 0L)) / 1e3,
                Double::sum));
    return micros;
  }

  private static Role role(String name) {
    if (name.equals("meshward-events")) {
      return Role.SINK;
    }
    if (name.startsWith("kafka-producer-network-thread")) {
      return Role.PRODUCER;
    }
    return name.contains("kafka") || name.contains("raft") || name.contains("quorum")
        ? Role.BROKER
        : Role.CALLS;
  }
}
