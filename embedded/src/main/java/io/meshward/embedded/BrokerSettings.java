package io.meshward.embedded;

import java.util.Map;
import java.util.Set;

/** The settings of a broker that is alone. */
final class BrokerSettings {

  /** Names the broker's place and listeners: given by whoever starts it, never by the caller. */
  static final Set<String> OWNED =
      Set.of(
          "advertised.listeners",
          "controller.listener.names",
          "controller.quorum.bootstrap.servers",
          "controller.quorum.voters",
          "inter.broker.listener.name",
          "listeners",
          "log.dir",
          "log.dirs",
          "metadata.log.dir",
          "node.id",
          "process.roles",
          "sasl.mechanism.controller.protocol",
          "sasl.mechanism.inter.broker.protocol");

  /** What tests may rely on, whichever broker they get. */
  static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          // One replica is all there is.
          Map.entry("default.replication.factor", "1"),
          Map.entry("min.insync.replicas", "1"),
          Map.entry("offsets.topic.replication.factor", "1"),
          Map.entry("transaction.state.log.replication.factor", "1"),
          Map.entry("transaction.state.log.min.isr", "1"),
          Map.entry("share.coordinator.state.topic.replication.factor", "1"),
          Map.entry("share.coordinator.state.topic.min.isr", "1"),
          // Topics come from the catalogue; nobody waits for further members of a group.
          Map.entry("auto.create.topics.enable", "false"),
          Map.entry("group.initial.rebalance.delay.ms", "0"),
          Map.entry("group.min.session.timeout.ms", "1000"),
          // Few partitions: the first use of a group or a transaction is quick.
          Map.entry("offsets.topic.num.partitions", "4"),
          Map.entry("transaction.state.log.num.partitions", "4"),
          Map.entry("share.coordinator.state.topic.num.partitions", "4"));

  /**
   * What keeps a broker small among others in one process: the cleaner alone takes 128 MiB by
   * default, and the JMX beans of two brokers have the same names.
   */
  static final Map<String, String> IN_PROCESS =
      Map.ofEntries(
          Map.entry("listener.security.protocol.map", "CLIENT:PLAINTEXT"),
          Map.entry("num.network.threads", "2"),
          Map.entry("num.io.threads", "4"),
          Map.entry("background.threads", "2"),
          Map.entry("log.cleaner.dedupe.buffer.size", "4194304"),
          Map.entry("log.index.size.max.bytes", "1048576"),
          Map.entry("log.segment.bytes", "67108864"),
          Map.entry("queued.max.requests", "200"),
          Map.entry("max.connections", "2000"),
          Map.entry("server.max.startup.time.ms", "30000"),
          Map.entry("metric.reporters", ""));

  private BrokerSettings() {}

  /** Throws if the caller sets what is not the caller's to set. */
  static void check(Map<String, String> properties) {
    for (String name : properties.keySet()) {
      if (OWNED.contains(name)) {
        throw new IllegalArgumentException(
            "broker property '"
                + name
                + "' is given by the broker itself, expected none of "
                + OWNED);
      }
    }
  }
}
