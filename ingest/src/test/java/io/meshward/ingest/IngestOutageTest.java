package io.meshward.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.daemon.ConfigFile;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.Envelope;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What happens to alerts while the broker goes and comes. */
class IngestOutageTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private final EmbeddedKafka broker = EmbeddedKafka.start();
  private final KafkaFixture kafka = new KafkaFixture(broker.bootstrapServers(), "outage");
  private final HttpPoster poster = new HttpPoster();

  @AfterEach
  void close() {
    poster.close();
    broker.close();
  }

  private Ingest start(String acknowledgeWithin) {
    return Ingest.start(
        ConfigFile.parse(
            """
            cluster: local
            kafka: {bootstrap-servers: "%s", prefix: outage}
            http: {address: "127.0.0.1:0"}
            acknowledge-within: %s
            """
                .formatted(broker.bootstrapServers(), acknowledgeWithin),
            "test",
            IngestConfig.class));
  }

  private static String alert(int number) {
    return "{\"rule\":\"r\",\"priority\":\"Notice\",\"time\":\"2026-01-02T03:04:05.%09dZ\"}"
        .formatted(number);
  }

  @Test
  void answersThatTheBrokerDidNotAcknowledgeAndRecoversByItself() throws Exception {
    kafka.createTopics();
    broker.stop();
    try (Ingest ingest = start("500ms")) {
      URI root = ingest.httpUri().resolve("/");
      Duration quickest = TIMEOUT;
      for (String body : List.of(alert(1), "[" + alert(2) + ",{}]", alert(3))) {
        long start = System.nanoTime();
        HttpPoster.Answer answer = poster.post(root, body);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.headers().get("retry-after")).isEqualTo("1");
        assertThat(answer.json().get("code").textValue()).isEqualTo("not_acknowledged");
        Duration taken = Duration.ofNanos(System.nanoTime() - start);
        quickest = taken.compareTo(quickest) < 0 ? taken : quickest;
      }
      // The least of several: the machine may hold one of them up, Kafka would hold all.
      assertThat(quickest).isLessThan(Duration.ofSeconds(5));
      HttpPoster.Answer ready = poster.get(ingest.httpUri().resolve("/readyz"));
      assertThat(ready.status()).isEqualTo(503);
      assertThat(poster.post(root, "{}").status()).isEqualTo(400);

      broker.restart();
      String id = postUntilAccepted(root, alert(1));
      assertThat(kafka.alerts()).extracting(Envelope::id).contains(id);
      await(() -> poster.get(ingest.httpUri().resolve("/readyz")).status() == 200);
    }
  }

  @Test
  void isNotReadyAndAcceptsNothingWithoutItsTopic() throws Exception {
    try (Ingest ingest = start("500ms")) {
      URI root = ingest.httpUri().resolve("/");
      assertThat(poster.post(root, alert(1)).status()).isEqualTo(503);
      await(
          () ->
              poster
                  .get(ingest.httpUri().resolve("/readyz"))
                  .json()
                  .at("/checks/kafka")
                  .asText()
                  .contains("meshward topics apply"));
      kafka.createTopics();
      postUntilAccepted(root, alert(1));
    }
  }

  /** Contract: every alert that was answered with success is on the topic, whatever happened. */
  @Test
  void losesNoAnsweredAlertWhileTheBrokerRestarts() throws Exception {
    kafka.createTopics();
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Set<String> answered = ConcurrentHashMap.newKeySet();
    AtomicInteger numbers = new AtomicInteger();
    AtomicInteger refusals = new AtomicInteger();
    AtomicBoolean done = new AtomicBoolean();
    try (Ingest ingest = start("1s");
        ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor()) {
      URI root = ingest.httpUri().resolve("/");
      List<Future<Integer>> posts =
          IntStream.range(0, 8)
              .mapToObj(
                  _ ->
                      senders.submit(
                          (Callable<Integer>)
                              () -> {
                                int posted = 0;
                                while (!done.get()) {
                                  String alert = alert(numbers.incrementAndGet());
                                  HttpPoster.Answer answer = poster.post(root, alert);
                                  // A sender that was refused posts the same alert again.
                                  while (answer.status() != 200 && !done.get()) {
                                    assertThat(answer.status()).isEqualTo(503);
                                    refusals.incrementAndGet();
                                    answer = poster.post(root, alert);
                                  }
                                  if (answer.status() == 200) {
                                    answered.add(answer.json().get("id").textValue());
                                    posted++;
                                  }
                                }
                                return posted;
                              }))
              .toList();
      for (int restart = 0; restart < 2; restart++) {
        int target = answered.size() + 100 + random.nextInt(200);
        await(() -> answered.size() >= target);
        broker.stop();
        int refused = refusals.get();
        await(() -> refusals.get() > refused);
        broker.restart();
      }
      int target = answered.size() + 200;
      await(() -> answered.size() >= target);
      done.set(true);
      for (Future<Integer> post : posts) {
        assertThat(post.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isPositive();
      }
    }
    Set<String> written = kafka.alerts().stream().map(Envelope::id).collect(Collectors.toSet());
    assertThat(written).as("seed %d", seed).containsAll(answered);
    assertThat(written).as("seed %d", seed).hasSizeLessThanOrEqualTo(numbers.get());
  }

  private String postUntilAccepted(URI uri, String alert) throws Exception {
    long end = System.nanoTime() + TIMEOUT.toNanos();
    while (true) {
      HttpPoster.Answer answer = poster.post(uri, alert);
      if (answer.status() == 200) {
        return answer.json().get("id").textValue();
      }
      assertThat(answer.status()).isEqualTo(503);
      assertThat(System.nanoTime()).as("not accepted again").isLessThan(end);
    }
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + TIMEOUT.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      Thread.sleep(10);
    }
  }
}
