package io.meshward.daemon;

import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Compares a broker with the topic catalogue and makes it agree.
 *
 * <p>Only topics of the catalogue under the given prefix are looked at. What would lose data, such
 * as another number of partitions, is reported and never changed. Applying twice is the same as
 * applying once. Every call to the broker ends within the timeout. Not thread-safe; the caller
 * closes the admin client.
 */
public final class TopicAdmin {
  private static final Duration VISIBILITY_POLL = Duration.ofMillis(20);

  private final Admin admin;
  private final String prefix;
  private final Duration timeout;

  /**
   * @param prefix what all names start with
   * @param timeout how long one answer of the broker may take
   * @throws IllegalArgumentException if topic names cannot start with the prefix
   */
  public TopicAdmin(Admin admin, String prefix, Duration timeout) {
    this.admin = admin;
    this.prefix = TopicCatalogue.requirePrefix(prefix);
    this.timeout = timeout;
  }

  /**
   * What differs in topics and their settings, in the catalogue's order.
   *
   * @throws TopicAdminException if the broker did not answer
   */
  public List<TopicDifference> diff() {
    Map<String, TopicDescription> existing = existingTopics();
    Map<String, Config> configs = configs(existing.keySet());
    List<TopicDifference> differences = new ArrayList<>();
    for (Topic topic : TopicCatalogue.all()) {
      String name = topic.name(prefix);
      TopicDescription description = existing.get(name);
      if (description == null) {
        differences.add(new TopicDifference.MissingTopic(name, topic.partitions()));
        continue;
      }
      int partitions = description.partitions().size();
      if (partitions != topic.partitions()) {
        differences.add(new TopicDifference.PartitionCount(name, partitions, topic.partitions()));
      }
      Config config = Optional.ofNullable(configs.get(name)).orElseThrow();
      settings(topic)
          .forEach(
              (key, expected) -> {
                ConfigEntry entry = config.get(key);
                String actual = entry == null ? "absent" : entry.value();
                if (!expected.equals(actual)) {
                  differences.add(new TopicDifference.Setting(name, key, actual, expected));
                }
              });
    }
    return differences;
  }

  /**
   * Creates missing topics and corrects settings, and returns when the broker shows them.
   *
   * @return what differed before; those that are not {@link TopicDifference#applicable()} still do
   * @throws TopicAdminException if the broker refused or did not answer
   */
  public List<TopicDifference> apply() {
    return untilNoneIsApplicable("topics and settings", this::diff, this::applyTopics);
  }

  private void applyTopics(List<TopicDifference> differences) {
    List<NewTopic> missing = new ArrayList<>();
    Map<ConfigResource, Collection<AlterConfigOp>> changes = new LinkedHashMap<>();
    for (TopicDifference difference : differences) {
      switch (difference) {
        case TopicDifference.MissingTopic topic -> missing.add(newTopic(topic.topic()));
        case TopicDifference.Setting setting ->
            changes
                .computeIfAbsent(
                    new ConfigResource(ConfigResource.Type.TOPIC, setting.topic()),
                    _ -> new ArrayList<>())
                .add(
                    new AlterConfigOp(
                        new ConfigEntry(setting.name(), setting.expected()),
                        AlterConfigOp.OpType.SET));
        case TopicDifference.PartitionCount _,
            TopicDifference.MissingAcl _,
            TopicDifference.SurplusAcl _ -> {}
      }
    }
    create(missing);
    if (!changes.isEmpty()) {
      await("change settings of " + changes.keySet(), admin.incrementalAlterConfigs(changes).all());
    }
  }

  /**
   * What differs in access control entries on names with our prefix.
   *
   * @param principals who plays each role, as Kafka principals such as {@code User:ingest}; a role
   *     without principal gets no entry
   * @throws TopicAdminException if the broker has no authorizer or did not answer
   */
  public List<TopicDifference> diffAcls(Map<Topic.Role, List<String>> principals) {
    Set<AclBinding> needed = TopicAcls.of(prefix, principals);
    List<AclBinding> existing =
        await("list access control entries", admin.describeAcls(AclBindingFilter.ANY).values())
            .stream()
            .filter(acl -> acl.pattern().name().startsWith(prefix + "."))
            .toList();
    List<TopicDifference> differences = new ArrayList<>();
    needed.stream()
        .filter(acl -> !existing.contains(acl))
        .forEach(acl -> differences.add(new TopicDifference.MissingAcl(acl)));
    existing.stream()
        .filter(acl -> !needed.contains(acl))
        .forEach(acl -> differences.add(new TopicDifference.SurplusAcl(acl)));
    return differences;
  }

  /**
   * Adds missing access control entries and removes surplus ones on names with our prefix, and
   * returns when the broker shows it.
   *
   * @return what differed before
   * @throws TopicAdminException if the broker has no authorizer, refused or did not answer
   */
  public List<TopicDifference> applyAcls(Map<Topic.Role, List<String>> principals) {
    return untilNoneIsApplicable(
        "access control entries", () -> diffAcls(principals), this::applyAcls);
  }

  private void applyAcls(List<TopicDifference> differences) {
    List<AclBinding> missing = new ArrayList<>();
    List<AclBindingFilter> surplus = new ArrayList<>();
    for (TopicDifference difference : differences) {
      switch (difference) {
        case TopicDifference.MissingAcl acl -> missing.add(acl.acl());
        case TopicDifference.SurplusAcl acl -> surplus.add(acl.acl().toFilter());
        case TopicDifference.MissingTopic _,
            TopicDifference.PartitionCount _,
            TopicDifference.Setting _ -> {}
      }
    }
    if (!missing.isEmpty()) {
      await("add " + missing.size() + " access control entries", admin.createAcls(missing).all());
    }
    if (!surplus.isEmpty()) {
      await(
          "remove " + surplus.size() + " access control entries", admin.deleteAcls(surplus).all());
    }
  }

  /**
   * Brokers show what their controller has committed a little later. So one look is not enough:
   * before it, a topic that was just made seems missing; after it, whoever applied may rely on
   * seeing the result.
   */
  private List<TopicDifference> untilNoneIsApplicable(
      String what, Supplier<List<TopicDifference>> diff, Consumer<List<TopicDifference>> apply) {
    long deadline = System.nanoTime() + timeout.toNanos();
    List<TopicDifference> first = diff.get();
    List<TopicDifference> current = first;
    while (current.stream().anyMatch(TopicDifference::applicable)) {
      if (System.nanoTime() > deadline) {
        throw new TopicAdminException(
            "applied "
                + what
                + ", but the broker does not show them after "
                + timeout.toMillis()
                + " ms",
            null);
      }
      apply.accept(current);
      LockSupport.parkNanos(VISIBILITY_POLL.toNanos());
      current = diff.get();
    }
    return first;
  }

  private Map<String, TopicDescription> existingTopics() {
    Set<String> names = await("list topics", admin.listTopics().names());
    List<String> ours =
        TopicCatalogue.all().stream()
            .map(topic -> topic.name(prefix))
            .filter(names::contains)
            .toList();
    return await("describe topics", admin.describeTopics(ours).allTopicNames());
  }

  private Map<String, Config> configs(Set<String> names) {
    List<ConfigResource> resources =
        names.stream().map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name)).toList();
    Map<String, Config> configs = new LinkedHashMap<>();
    await("read settings", admin.describeConfigs(resources).all())
        .forEach((resource, config) -> configs.put(resource.name(), config));
    return configs;
  }

  private void create(List<NewTopic> topics) {
    if (topics.isEmpty()) {
      return;
    }
    Map<String, KafkaFuture<Void>> created = admin.createTopics(topics).values();
    created.forEach(
        (name, future) -> {
          try {
            await("create topic " + name, future);
          } catch (TopicAdminException e) {
            // Somebody else applied the catalogue at the same time.
            if (!(e.getCause() instanceof TopicExistsException)) {
              throw e;
            }
          }
        });
  }

  private NewTopic newTopic(String name) {
    Topic topic =
        TopicCatalogue.all().stream()
            .filter(candidate -> candidate.name(prefix).equals(name))
            .findFirst()
            .orElseThrow();
    return new NewTopic(name, Optional.of(topic.partitions()), Optional.empty())
        .configs(settings(topic));
  }

  private static Map<String, String> settings(Topic topic) {
    Map<String, String> settings = new TreeMap<>();
    Duration retention = topic.retention();
    settings.put(
        TopicConfig.CLEANUP_POLICY_CONFIG,
        retention == null ? TopicConfig.CLEANUP_POLICY_COMPACT : TopicConfig.CLEANUP_POLICY_DELETE);
    if (retention != null) {
      settings.put(TopicConfig.RETENTION_MS_CONFIG, Long.toString(retention.toMillis()));
    }
    Long bytes = topic.retentionBytes();
    if (bytes != null) {
      settings.put(TopicConfig.RETENTION_BYTES_CONFIG, Long.toString(bytes));
    }
    settings.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(topic.maxMessageBytes()));
    return settings;
  }

  private <T> T await(String what, KafkaFuture<T> answer) {
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new TopicAdminException("cannot " + what + ": " + cause.getMessage(), cause);
    } catch (TimeoutException e) {
      throw new TopicAdminException(
          "cannot " + what + ": no answer of the broker within " + timeout.toMillis() + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TopicAdminException("cannot " + what + ": interrupted", e);
    }
  }
}
