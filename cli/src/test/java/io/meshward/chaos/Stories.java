package io.meshward.chaos;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/** Makes up stories from a seed: every second one of each kind. */
final class Stories {
  private static final int WINDOW = 3;

  private final RandomGenerator random;
  private final AtomicLong numbers;

  /**
   * @param numbers counts the alerts
   */
  Stories(RandomGenerator random, AtomicLong numbers) {
    this.random = random;
    this.numbers = numbers;
  }

  /** The workloads that so many stories need. */
  static List<String> workloads(int stories) {
    List<String> workloads = new ArrayList<>();
    for (int i = 0; i < stories; i++) {
      workloads.add("workload-" + i);
    }
    return workloads;
  }

  /**
   * All stories.
   *
   * @param pods the pod of each workload
   * @param start when the first alert happened; what it was about ran already
   */
  List<Story> tell(Map<String, String> pods, Instant start) {
    List<Story> stories = new ArrayList<>();
    for (String workload : workloads(pods.size())) {
      String pod = String.valueOf(pods.get(workload));
      stories.add(
          stories.size() % 2 == 0 ? burst(workload, pod, start) : access(workload, pod, start));
    }
    return stories;
  }

  private Story burst(String workload, String pod, Instant start) {
    int count = random.nextInt(WINDOW, 2 * WINDOW + 2);
    List<Alert> alerts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Alert alert = Alert.svidRequest(numbers.incrementAndGet(), start.plusMillis(i), pod);
      alerts.add(alert);
      if (random.nextInt(3) == 0) {
        alerts.add(alerts.get(random.nextInt(alerts.size())));
      }
    }
    return new Story(Story.Kind.BURST, workload, pod, alerts, count / WINDOW, random.nextBoolean());
  }

  private Story access(String workload, String pod, Instant start) {
    int count = random.nextInt(1, 3);
    List<Alert> alerts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      alerts.add(Alert.illegalAccess(numbers.incrementAndGet(), start.plusMillis(i), pod));
    }
    if (random.nextBoolean()) {
      alerts.add(alerts.getFirst());
    }
    return new Story(Story.Kind.ACCESS, workload, pod, alerts, count, false);
  }
}
