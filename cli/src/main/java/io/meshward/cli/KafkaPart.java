package io.meshward.cli;

import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.TopicAdmin;
import io.meshward.daemon.TopicAdminException;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;

/**
 * Kafka with all of Meshward's topics: an embedded broker, or somebody's brokers, on which every
 * trace is removed at the end.
 */
record KafkaPart(KafkaConfig config) {
  private static final Duration ANSWER = Duration.ofSeconds(15);

  /** An embedded broker under the usual prefix. */
  static KafkaPart embedded(Starter starter) throws InterruptedException {
    EmbeddedKafka kafka = starter.start("kafka", EmbeddedKafka::start);
    KafkaPart part = of(kafka.bootstrapServers(), TopicCatalogue.DEFAULT_PREFIX);
    part.createTopics();
    return part;
  }

  /**
   * Somebody's brokers.
   *
   * @param prefix must be new there
   * @throws CommandException if they do not answer, or have topics of that prefix
   */
  static KafkaPart real(String bootstrapServers, String prefix, Starter starter)
      throws InterruptedException {
    KafkaPart part = of(bootstrapServers, prefix);
    Set<String> existing = part.with(part::topicNames);
    if (!existing.isEmpty()) {
      throw new CommandException(
          ExitCode.CONFLICT,
          bootstrapServers + " already has topics under " + prefix + ": " + existing);
    }
    starter.add("topics of " + prefix, () -> part.with(part::remove));
    part.createTopics();
    return part;
  }

  private static KafkaPart of(String bootstrapServers, String prefix) {
    try {
      return new KafkaPart(new KafkaConfig(bootstrapServers, prefix, Map.of()));
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, "--bootstrap: " + e.getMessage(), e);
    }
  }

  private void createTopics() throws InterruptedException {
    with(
        admin -> {
          try {
            return new TopicAdmin(admin, config.prefix(), ANSWER).apply();
          } catch (TopicAdminException e) {
            throw new CommandException(ExitCode.UNREACHABLE, "Kafka: " + e.getMessage(), e);
          }
        });
  }

  private Set<String> topicNames(Admin admin) throws InterruptedException {
    return answer(admin.listTopics().names()).stream()
        .filter(name -> name.startsWith(config.prefix() + "."))
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Groups whose members are gone may count as alive for a while: they are sent away first. */
  private Set<String> remove(Admin admin) throws InterruptedException {
    List<String> groups =
        answer(admin.listGroups().all()).stream()
            .map(GroupListing::groupId)
            .filter(group -> group.startsWith(config.prefix()))
            .toList();
    for (String group : groups) {
      try {
        answer(
            admin
                .removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions())
                .all());
      } catch (CommandException e) {
        // It has no members, or is of a kind that has none.
      }
    }
    answer(admin.deleteConsumerGroups(groups).all());
    Set<String> topics = topicNames(admin);
    answer(admin.deleteTopics(topics).all());
    awaitNoTopics(admin);
    return topics;
  }

  /** Brokers go on to show for a moment what their controller has deleted. */
  private void awaitNoTopics(Admin admin) throws InterruptedException {
    long end = System.nanoTime() + ANSWER.toNanos();
    Set<String> left = topicNames(admin);
    while (!left.isEmpty()) {
      if (System.nanoTime() > end) {
        throw new CommandException(
            ExitCode.UNREACHABLE,
            "Kafka at " + config.bootstrapServers() + " does not delete " + left);
      }
      Thread.sleep(50);
      left = topicNames(admin);
    }
  }

  private <T> T with(BrokerWork<T> work) throws InterruptedException {
    try (Admin admin = Admin.create(config.admin("meshward-demo"))) {
      return work.run(admin);
    } catch (KafkaException e) {
      throw unreachable(e);
    }
  }

  private <T> T answer(KafkaFuture<T> future) throws InterruptedException {
    try {
      return future.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw unreachable(Optional.ofNullable(e.getCause()).orElse(e));
    }
  }

  private CommandException unreachable(Throwable cause) {
    return new CommandException(
        ExitCode.UNREACHABLE, "Kafka at " + config.bootstrapServers() + ": " + cause, cause);
  }

  /** What is asked of the brokers. */
  @FunctionalInterface
  private interface BrokerWork<T> {
    T run(Admin admin) throws InterruptedException;
  }
}
