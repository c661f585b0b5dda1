package io.meshward.daemon;

import io.meshward.schemas.Topic;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a readiness check up to date: a broker answers, and the topics that this process needs
 * exist.
 */
public final class KafkaCheck implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KafkaCheck.class);
  private static final Duration WHILE_PASSING = Duration.ofSeconds(2);
  private static final Duration WHILE_FAILING = Duration.ofMillis(250);
  private static final int TIMEOUT_MILLIS = 2000;

  private final KafkaConfig kafka;
  private final List<String> topics;
  private final Health.Check check;
  private final Admin admin;
  private final Thread thread;

  private KafkaCheck(KafkaConfig kafka, String clientId, List<Topic> topics, Health health) {
    this.kafka = kafka;
    this.topics = topics.stream().map(kafka::topic).toList();
    check = health.check("kafka");
    admin = Admin.create(kafka.admin(clientId + "-check"));
    thread = Thread.ofVirtual().name("kafka-check").start(this::run);
  }

  /**
   * Starts checking, under the name {@code kafka}.
   *
   * @param clientId the process's name
   * @param topics what must exist
   */
  public static KafkaCheck start(
      KafkaConfig kafka, String clientId, List<Topic> topics, Health health) {
    return new KafkaCheck(kafka, clientId, topics, health);
  }

  private void run() {
    String last = "starting";
    try {
      while (!Thread.currentThread().isInterrupted()) {
        String problem = problem();
        if (problem.isEmpty()) {
          check.pass();
        } else {
          check.fail(problem);
        }
        if (!problem.equals(last)) {
          tell(problem);
          last = problem;
        }
        Thread.sleep(problem.isEmpty() ? WHILE_PASSING : WHILE_FAILING);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void tell(String problem) {
    if (problem.isEmpty()) {
      log.atInfo().addKeyValue("brokers", kafka.bootstrapServers()).log("Kafka is ready");
    } else {
      log.atWarn().addKeyValue("reason", problem).log("Kafka is not ready");
    }
  }

  /** Empty if all is well. */
  private String problem() throws InterruptedException {
    String unreachable = kafka.unreachable();
    try {
      admin
          .describeTopics(topics, new DescribeTopicsOptions().timeoutMs(TIMEOUT_MILLIS))
          .allTopicNames()
          .get(TIMEOUT_MILLIS + 500, TimeUnit.MILLISECONDS);
      return "";
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UnknownTopicOrPartitionException) {
        return "a topic is missing of " + topics + ": create them with 'meshward topics apply'";
      }
      if (e.getCause() instanceof org.apache.kafka.common.errors.TimeoutException) {
        return unreachable;
      }
      return "Kafka refuses: " + e.getCause();
    } catch (TimeoutException e) {
      return unreachable;
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    admin.close(Duration.ofSeconds(1));
  }
}
