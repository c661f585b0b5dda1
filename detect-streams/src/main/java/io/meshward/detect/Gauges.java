package io.meshward.detect;

import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How much the tasks of this process hold. Thread-safe. */
final class Gauges {
  private final Map<Integer, Integer> groups = new ConcurrentHashMap<>();
  private final Map<String, Long> seen = new ConcurrentHashMap<>();
  private volatile int pods;

  Gauges(Metrics metrics) {
    metrics.gauge(
        Metric.DETECT_GROUPS, () -> groups.values().stream().mapToInt(Integer::intValue).sum());
    metrics.gauge(
        Metric.DETECT_SEEN, () -> seen.values().stream().mapToLong(Long::longValue).sum());
    metrics.gauge(Metric.DETECT_INVENTORY, () -> pods);
  }

  /** So many groups live on a partition of facts. */
  void groups(int partition, int size) {
    groups.put(partition, size);
  }

  /** Another process has the partition now. */
  void noGroups(int partition) {
    groups.remove(partition);
  }

  /** A matching task remembers so many events. */
  void seen(String task, long events) {
    seen.put(task, events);
  }

  /** Another process has the task now. */
  void notSeen(String task) {
    seen.remove(task);
  }

  /** So many pods are known. */
  void pods(int size) {
    pods = size;
  }
}
