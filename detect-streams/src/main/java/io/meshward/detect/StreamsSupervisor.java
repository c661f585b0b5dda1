package io.meshward.detect;

import io.meshward.daemon.Health;
import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps Kafka Streams running. A thread that fails is replaced, and if all of Streams fails it is
 * started anew, each after a pause that grows while failures go on. The readiness check {@code
 * streams} says how it is. Thread-safe.
 */
final class StreamsSupervisor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StreamsSupervisor.class);
  private static final Duration CLOSE = Duration.ofSeconds(10);
  private static final Duration TOPICS_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration LOOK = Duration.ofMillis(200);

  private final KafkaConfig kafka;
  private final Supplier<KafkaStreams> maker;
  private final Metrics metrics;
  private final Health.Check check;
  private final Backoff backoff = new Backoff();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  private StreamsSupervisor(
      KafkaConfig kafka, Supplier<KafkaStreams> maker, Metrics metrics, Health health) {
    this.kafka = kafka;
    this.maker = maker;
    this.metrics = metrics;
    this.check = health.check("streams");
    this.thread = Thread.ofPlatform().name("streams-supervisor").start(this::run);
  }

  /**
   * Starts Streams as soon as its topics are there, and keeps it running until closed.
   *
   * @param maker makes a new, unstarted instance
   */
  static StreamsSupervisor start(
      KafkaConfig kafka, Supplier<KafkaStreams> maker, Metrics metrics, Health health) {
    return new StreamsSupervisor(kafka, maker, metrics, health);
  }

  private void run() {
    while (!isClosing()) {
      try {
        Optional<String> problem = topicProblem();
        if (problem.isPresent()) {
          waitForTopics(problem.get());
        } else {
          runOnce();
          pause(backoff.next(System.nanoTime()));
        }
      } catch (RuntimeException e) {
        check.fail("Kafka Streams failed: " + e.getMessage());
        log.atError().setCause(e).log("Kafka Streams does not run");
        pause(backoff.next(System.nanoTime()));
      }
    }
  }

  private void waitForTopics(String problem) {
    if (!check.problem().equals(Optional.of(problem))) {
      log.atWarn().addKeyValue("problem", problem).log("waiting for Kafka's topics");
    }
    check.fail(problem);
    pause(LOOK);
  }

  private void runOnce() {
    KafkaStreams streams = maker.get();
    try {
      streams.setUncaughtExceptionHandler(this::threadFailed);
      check.fail("Kafka Streams is starting");
      streams.start();
      while (!isClosing() && !streams.state().hasCompletedShutdown()) {
        KafkaStreams.State state = streams.state();
        if (state == KafkaStreams.State.RUNNING) {
          check.pass();
        } else {
          check.fail("Kafka Streams is " + state);
        }
        pause(LOOK);
      }
    } finally {
      check.fail("Kafka Streams is stopped");
      // Others take over at once, rather than after the session's timeout.
      boolean closed =
          streams.close(
              CloseOptions.groupMembershipOperation(
                      CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                  .withTimeout(CLOSE));
      if (!closed) {
        log.atWarn().log("Kafka Streams does not close in time");
      }
    }
  }

  private StreamThreadExceptionResponse threadFailed(Throwable failure) {
    metrics.increment(Metric.DETECT_THREAD_FAILURES);
    Duration pause = backoff.next(System.nanoTime());
    log.atError()
        .addKeyValue("pauseMilliseconds", pause.toMillis())
        .setCause(failure)
        .log("a thread of Kafka Streams failed and is replaced");
    pause(pause);
    return StreamThreadExceptionResponse.REPLACE_THREAD;
  }

  /** What is wrong with the topics, if anything is. */
  private Optional<String> topicProblem() {
    List<Topic> needed = new ArrayList<>(DetectTopology.SOURCES);
    needed.addAll(
        List.of(TopicCatalogue.FACTS, TopicCatalogue.DETECTIONS, TopicCatalogue.INVENTORY));
    try (Admin admin = Admin.create(kafka.admin(kafka.id("detect-topics")))) {
      Map<String, TopicDescription> topics =
          admin
              .describeTopics(needed.stream().map(kafka::topic).toList())
              .allTopicNames()
              .get(TOPICS_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      return Optional.ofNullable(topics.get(kafka.topic(TopicCatalogue.FACTS)))
          .filter(facts -> facts.partitions().size() != TopicCatalogue.FACTS.partitions())
          .map(
              facts ->
                  facts.name()
                      + " has "
                      + facts.partitions().size()
                      + " partitions: expected "
                      + TopicCatalogue.FACTS.partitions()
                      + ", to which the state is bound");
    } catch (ExecutionException e) {
      return Optional.of(
          e.getCause() instanceof UnknownTopicOrPartitionException
              ? "a topic is missing: create them with 'meshward topics apply'"
              : "cannot look at the topics: " + e.getCause());
    } catch (TimeoutException e) {
      return Optional.of(kafka.unreachable());
    } catch (InterruptedException e) {
      closing.countDown();
      return Optional.of("interrupted");
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  /** Waits, but not beyond closing. */
  private void pause(Duration duration) {
    try {
      var _ = closing.await(duration.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      closing.countDown();
    }
  }

  /** Stops Streams, with what is being processed committed or undone. Idempotent. */
  @Override
  public void close() {
    closing.countDown();
    try {
      if (!thread.join(CLOSE.plusSeconds(1))) {
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
