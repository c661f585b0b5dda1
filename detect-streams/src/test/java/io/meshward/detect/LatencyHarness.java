package io.meshward.detect;

import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.Detection;
import io.meshward.schemas.TopicCatalogue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Measures, by hand, how long it takes from an event's acknowledgement to its detection being
 * readable: {@code main(rate, seconds)}. Every event matches one rule without a window or one
 * behind the hop, in turn.
 */
final class LatencyHarness {
  private static final String RULES =
      """
      - rule: Direct
        desc: no window
        source: falco.alert
        condition: proc.name = direct
        output: direct %k8s.pod.name
        priority: Notice
      - rule: Counted
        desc: counted
        source: falco.alert
        condition: proc.name = counted
        output: counted
        priority: Notice
      - detection: Window
        desc: behind the hop
        output: window %k8s.pod.name
        priority: Notice
        correlation: {type: event_count, rules: [Counted], group-by: [k8s.pod.name], timespan: 60s, condition: {gte: 1}}
      """;

  private LatencyHarness() {}

  public static void main(String[] arguments) throws Exception {
    int rate = Integer.parseInt(arguments[0]);
    int seconds = Integer.parseInt(arguments[1]);
    int matchOneIn = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 1;
    Path directory = Files.createTempDirectory("latency");
    try (Broker broker = Brokers.start(properties("broker."));
        Pipeline pipeline = new Pipeline(broker, directory, RULES, properties("client."));
        Detect _ = pipeline.start()) {
      Map<String, Long> sent = new ConcurrentHashMap<>();
      Pipeline.Reader reader = pipeline.reader(TopicCatalogue.DETECTIONS);
      int count = rate * seconds;
      Thread sender =
          Thread.ofPlatform().start(() -> send(pipeline, sent, rate, count, matchOneIn));
      Map<String, Long> seen = new HashMap<>();
      int known = 0;
      long end = System.nanoTime() + (seconds + 20) * 1_000_000_000L;
      while (seen.size() < count / matchOneIn && System.nanoTime() < end) {
        List<ConsumerRecord<byte[], byte[]>> records = reader.poll();
        long now = System.nanoTime();
        for (; known < records.size(); known++) {
          Detection detection = CloudEvents.fromRecord(records.get(known), Detection.class).data();
          seen.putIfAbsent(detection.detection().anchor(), now);
        }
      }
      sender.join();
      report("without a window", "d", sent, seen, rate);
      report("with a window", "w", sent, seen, rate);
    }
  }

  /** System properties with a prefix: settings to try. */
  private static Map<String, String> properties(String prefix) {
    Map<String, String> properties = new HashMap<>();
    System.getProperties()
        .stringPropertyNames()
        .forEach(
            name -> {
              if (name.startsWith(prefix)) {
                properties.put(name.substring(prefix.length()), System.getProperty(name));
              }
            });
    return properties;
  }

  private static void send(
      Pipeline pipeline, Map<String, Long> sent, int rate, int count, int matchOneIn) {
    long start = System.nanoTime();
    for (int n = 0; n < count; n++) {
      LockSupport.parkNanos(start + n * 1_000_000_000L / rate - System.nanoTime());
      boolean matches = n % matchOneIn == 0;
      boolean direct = (n / matchOneIn) % 2 == 0;
      String id = (direct ? "d" : "w") + n;
      String pod = "pod-" + n % 50;
      String program = matches ? (direct ? "direct" : "counted") : "other";
      sent.put(id, System.nanoTime());
      pipeline.sendAsync(
          Events.alert(id, Instant.now(), pod, Map.of("proc.name", program, "k8s.pod.name", pod)),
          "demo/shop/" + pod);
    }
  }

  private static void report(
      String what, String prefix, Map<String, Long> sent, Map<String, Long> seen, int rate) {
    List<Long> micros = new ArrayList<>();
    seen.forEach(
        (id, at) -> {
          Long from = sent.get(id);
          // The first seconds warm up the compiler.
          if (id.startsWith(prefix)
              && from != null
              && Integer.parseInt(id.substring(1)) > rate * 10) {
            micros.add((at - from) / 1000);
          }
        });
    long[] sorted = micros.stream().mapToLong(Long::longValue).sorted().toArray();
    if (sorted.length == 0) {
      System.out.println(what + ": nothing");
      return;
    }
    System.out.printf(
        "%s at %d/s: n=%d p50=%.1f ms p90=%.1f ms p99=%.1f ms max=%.1f ms%n",
        what,
        rate,
        sorted.length,
        sorted[sorted.length / 2] / 1000.0,
        sorted[sorted.length * 9 / 10] / 1000.0,
        sorted[sorted.length * 99 / 100] / 1000.0,
        Arrays.stream(sorted).max().orElse(0) / 1000.0);
  }
}
