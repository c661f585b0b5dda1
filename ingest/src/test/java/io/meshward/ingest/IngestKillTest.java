package io.meshward.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.embedded.JavaProcess;
import io.meshward.schemas.Envelope;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an answer is worth when the process is killed in the midst of its work. */
class IngestKillTest {
  private static final int KILLS = 3;
  private static final int SENDERS = 6;
  private static final URI NOWHERE = URI.create("http://127.0.0.1:1/");

  private final AtomicInteger numbers = new AtomicInteger();
  private final Set<String> answered = ConcurrentHashMap.newKeySet();
  private volatile URI uri = NOWHERE;
  private volatile boolean done;

  @TempDir private Path directory;

  @Test
  void everyAnsweredAlertIsOnTheTopicHoweverOftenTheProcessIsKilled() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    try (Broker broker = Brokers.start();
        HttpPoster poster = new HttpPoster();
        ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor()) {
      KafkaFixture kafka = new KafkaFixture(broker.bootstrapServers(), "kill").createTopics();
      String configuration =
          """
          cluster: local
          kafka: {bootstrap-servers: "%s", prefix: kill}
          http: {address: "127.0.0.1:0"}
          """
              .formatted(broker.bootstrapServers());
      List<Future<?>> sending = new ArrayList<>();
      for (int i = 0; i < SENDERS; i++) {
        boolean batches = i % 2 == 0;
        sending.add(senders.submit((Callable<Integer>) () -> send(poster, batches)));
      }
      for (int kill = 0; kill <= KILLS; kill++) {
        try (JavaProcess process = IngestProcess.start(directory, configuration)) {
          uri = process.uri().resolve("/");
          int target = answered.size() + 20 + random.nextInt(200);
          await(() -> answered.size() >= target);
          if (kill == KILLS) {
            done = true;
            for (Future<?> each : sending) {
              each.get(30, TimeUnit.SECONDS);
            }
          } else {
            process.kill();
            // Another server may soon have its port.
            uri = NOWHERE;
          }
        }
      }
      Set<String> written = kafka.alerts().stream().map(Envelope::id).collect(Collectors.toSet());
      assertThat(written).as("seed %d", seed).containsAll(answered);
      assertThat(written).as("seed %d", seed).hasSizeLessThanOrEqualTo(numbers.get());
    } finally {
      done = true;
    }
  }

  /** Posts new alerts; those that were not answered with success again, until they are. */
  private int send(HttpPoster poster, boolean batches) throws Exception {
    int posts = 0;
    while (!done) {
      String body = batches ? "[" + alert() + "," + alert() + ",{\"rule\":\"no alert\"}]" : alert();
      while (!accepted(poster, body) && !done) {
        Thread.sleep(5);
      }
      posts++;
    }
    return posts;
  }

  private boolean accepted(HttpPoster poster, String body) throws InterruptedException {
    try {
      HttpPoster.Answer answer = poster.post(uri, body);
      if (answer.status() == 503) {
        return false;
      }
      assertThat(answer.status()).isBetween(200, 202);
      if (answer.json().has("id")) {
        answered.add(answer.json().get("id").textValue());
      }
      for (JsonNode result : answer.json().path("results")) {
        if (result.get("status").intValue() == 202) {
          answered.add(result.get("id").textValue());
        }
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private String alert() {
    return "{\"rule\":\"r\",\"priority\":\"Notice\",\"time\":\"2026-01-02T03:04:05.%09dZ\"}"
        .formatted(numbers.incrementAndGet());
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      Thread.sleep(2);
    }
  }
}
