package io.meshward.detect;

import io.meshward.daemon.Default;
import io.meshward.daemon.Durations;
import io.meshward.daemon.HttpConfig;
import io.meshward.daemon.KafkaConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The configuration of detection.
 *
 * @param cluster the name of the cluster that the reporters of mesh events run in, and this process
 *     with them
 * @param rules rules files, and directories whose {@code *.yaml} files are read in the order of
 *     their names; all are loaded together
 * @param stateDirectory where this process keeps its state and who it is; its own, and best kept
 *     over restarts: then one that was killed goes on at once
 * @param threads how many threads work on partitions
 */
public record DetectConfig(
    KafkaConfig kafka,
    HttpConfig http,
    String cluster,
    List<Path> rules,
    Path stateDirectory,
    @Default("2") int threads,
    @Default("{}") Timing timing,
    @Default("{}") Limits limits) {

  /**
   * How soon things happen. Throughput and latency are measured with the same settings.
   *
   * @param commitInterval how long at most until what was read is committed while nothing matches
   * @param commitFloor how far apart commits are at least when something was written
   * @param poll how long a thread waits for records before it looks at its timers
   * @param linger how long a record waits for others to be sent with
   * @param lateness how much earlier than the latest event of its partition one may be without
   *     being late
   * @param lateArrival how much longer than its timespan a window waits for events that arrive late
   */
  public record Timing(
      @Default("500ms") Duration commitInterval,
      @Default("5ms") Duration commitFloor,
      @Default("5ms") Duration poll,
      @Default("0ms") Duration linger,
      @Default("5s") Duration lateness,
      @Default("10m") Duration lateArrival) {
    public Timing {
      between("commit-interval", commitInterval, Duration.ofMillis(1), Duration.ofSeconds(5));
      between("commit-floor", commitFloor, Duration.ZERO, commitInterval);
      between("poll", poll, Duration.ofMillis(1), Duration.ofSeconds(1));
      between("linger", linger, Duration.ZERO, Duration.ofSeconds(1));
      between("lateness", lateness, Duration.ZERO, Duration.ofHours(1));
      between("late-arrival", lateArrival, Duration.ZERO, Duration.ofDays(1));
    }

    private static void between(String key, Duration value, Duration least, Duration most) {
      if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
        throw new IllegalArgumentException(
            key
                + " is "
                + Durations.print(value)
                + ": expected "
                + Durations.print(least)
                + " to "
                + Durations.print(most));
      }
    }
  }

  /**
   * How much is remembered.
   *
   * @param evidence how many events a detection names
   * @param seenEvents how many events that matched are remembered per source partition, so that one
   *     that is sent again does not count again
   * @param groups how many groups a correlation may have per partition of facts; beyond it the one
   *     whose latest event is oldest is forgotten
   */
  public record Limits(
      @Default("20") int evidence, @Default("16384") int seenEvents, @Default("10000") int groups) {
    public Limits {
      between("evidence", evidence, 1, 1000);
      between("seen-events", seenEvents, 1, 1_000_000);
      between("groups", groups, 1, 1_000_000);
    }
  }

  public DetectConfig {
    if (cluster.isBlank()) {
      throw new IllegalArgumentException("cluster is blank: expected the cluster's name");
    }
    if (rules.isEmpty()) {
      throw new IllegalArgumentException("rules is empty: expected files or directories");
    }
    rules = List.copyOf(rules);
    between("threads", threads, 1, 64);
  }

  private static void between(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          key + " is " + value + ": expected " + least + " to " + most);
    }
  }
}
