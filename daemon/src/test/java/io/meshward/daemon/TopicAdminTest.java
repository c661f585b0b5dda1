package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.embedded.Broker;
import io.meshward.embedded.Brokers;
import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TopicAdminTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static Broker broker;
  private static Admin admin;

  @BeforeAll
  static void startBroker() {
    broker = Brokers.start();
    admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers()));
  }

  @AfterAll
  static void stopBroker() {
    admin.close();
    broker.close();
  }

  @Test
  void createsEveryTopicOfTheCatalogueOnce() {
    TopicAdmin topics = new TopicAdmin(admin, "once", TIMEOUT);

    assertThat(topics.apply()).hasSize(TopicCatalogue.all().size());

    assertThat(topics.diff()).isEmpty();
    assertThat(topics.apply()).isEmpty();
  }

  @Test
  void keepsPrefixesApart() {
    new TopicAdmin(admin, "left", TIMEOUT).apply();

    assertThat(new TopicAdmin(admin, "right", TIMEOUT).diff())
        .hasSize(TopicCatalogue.all().size())
        .allMatch(TopicDifference.MissingTopic.class::isInstance);
  }

  @Test
  void correctsASettingThatSomebodyChanged() throws Exception {
    TopicAdmin topics = new TopicAdmin(admin, "changed", TIMEOUT);
    topics.apply();
    ConfigResource quarantine = new ConfigResource(ConfigResource.Type.TOPIC, "changed.quarantine");
    admin
        .incrementalAlterConfigs(
            Map.of(
                quarantine,
                List.of(
                    new AlterConfigOp(
                        new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SET))))
        .all()
        .get();
    awaitDifference(topics);

    List<TopicDifference> differences = topics.apply();

    assertThat(differences)
        .containsExactly(
            new TopicDifference.Setting(
                "changed.quarantine", "cleanup.policy", "delete", "compact"));
    assertThat(topics.diff()).isEmpty();
  }

  @Test
  void reportsAnotherPartitionCountAndLeavesItAlone() throws Exception {
    admin
        .createTopics(List.of(new NewTopic("odd.facts", Optional.of(3), Optional.empty())))
        .all()
        .get();
    TopicAdmin topics = new TopicAdmin(admin, "odd", TIMEOUT);

    topics.apply();

    assertThat(topics.diff())
        .containsExactly(
            new TopicDifference.PartitionCount("odd.facts", 3, TopicCatalogue.FACTS.partitions()));
  }

  @Test
  void saysWhatIsMissingWhenTheBrokerHasNoAuthorizer() {
    assertThatThrownBy(() -> new TopicAdmin(admin, "acl", TIMEOUT).diffAcls(Map.of()))
        .isInstanceOf(TopicAdminException.class)
        .hasMessageContaining("list access control entries");
  }

  @Test
  void givesARoleOnlyTheTopicsItWritesOrReads() {
    var acls = TopicAcls.of("p", Map.of(Topic.Role.INGEST, List.of("User:ingest")));

    assertThat(acls)
        .filteredOn(acl -> acl.entry().operation() == AclOperation.WRITE)
        .extracting(acl -> acl.pattern().name())
        .containsExactlyInAnyOrder("p.events.falco", "p.deadletter");
    assertThat(acls)
        .noneMatch(
            acl ->
                acl.entry().operation() == AclOperation.READ
                    && acl.pattern().name().startsWith("p.events"));
  }

  @Test
  void refusesAPrefixThatNoTopicNameCanStartWith() {
    assertThatThrownBy(() -> new TopicAdmin(admin, "a b", TIMEOUT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prefix is 'a b'");
  }

  private static void awaitDifference(TopicAdmin topics) {
    long deadline = System.nanoTime() + TIMEOUT.toNanos();
    while (topics.diff().isEmpty()) {
      assertThat(System.nanoTime()).as("the broker shows the change in time").isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }
}
