package io.meshward.schemas;

import static io.meshward.schemas.Topic.Role.CLI;
import static io.meshward.schemas.Topic.Role.CONSOLE;
import static io.meshward.schemas.Topic.Role.DETECT;
import static io.meshward.schemas.Topic.Role.INGEST;
import static io.meshward.schemas.Topic.Role.MESH_RUNTIME;
import static io.meshward.schemas.Topic.Role.RESPONDER;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Every topic of Meshward, declared once: nothing else creates or names one. */
public final class TopicCatalogue {
  /** The prefix of all names, ids and groups unless another is configured. */
  public static final String DEFAULT_PREFIX = "meshward";

  private static final int PARTITIONS = 6;

  /** State of correlations is bound to these for ever. */
  private static final int FACT_PARTITIONS = 12;

  private static final int MIB = 1024 * 1024;
  private static final Pattern PREFIX = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}");

  public static final Topic EVENTS_IDENTITY =
      kept(
          "events.identity",
          "the verified peer's SPIFFE ID, else the reporter's own",
          List.of(EventType.TLS_HANDSHAKE, EventType.AUTHZ_DECISION, EventType.SVID_LIFECYCLE),
          PARTITIONS,
          Duration.ofDays(7),
          List.of(MESH_RUNTIME),
          List.of(DETECT, CONSOLE));
  public static final Topic EVENTS_FALCO =
      kept(
          "events.falco",
          "cluster/namespace/pod, else cluster/host",
          List.of(EventType.FALCO_ALERT),
          PARTITIONS,
          Duration.ofDays(7),
          List.of(INGEST),
          List.of(DETECT, CONSOLE));
  public static final Topic FACTS =
      kept(
          "facts",
          "rule and group key",
          List.of(EventType.FACT),
          FACT_PARTITIONS,
          Duration.ofDays(1),
          List.of(DETECT),
          List.of(DETECT));
  public static final Topic DETECTIONS =
      kept(
          "detections",
          "target: cluster/owner uid, else SPIFFE ID",
          List.of(EventType.DETECTION),
          PARTITIONS,
          Duration.ofDays(30),
          List.of(DETECT),
          List.of(RESPONDER, CONSOLE, CLI));
  public static final Topic WORK =
      kept(
          "work",
          "target: cluster/top-owner uid, else SPIFFE ID",
          List.of(EventType.WORK),
          PARTITIONS,
          Duration.ofDays(7),
          List.of(RESPONDER),
          List.of(RESPONDER));
  public static final Topic RESPONSES =
      kept(
          "responses",
          "containment id",
          List.of(EventType.RESPONSE),
          PARTITIONS,
          Duration.ofDays(365),
          List.of(RESPONDER),
          List.of(RESPONDER, CONSOLE, CLI));
  public static final Topic CONTAINMENTS =
      compacted(
          "containments",
          "containment id",
          EventType.CONTAINMENT,
          PARTITIONS,
          List.of(RESPONDER),
          List.of(RESPONDER, CONSOLE, CLI));
  public static final Topic QUARANTINE =
      compacted(
          "quarantine",
          "kind|trust domain|value|containment id",
          EventType.QUARANTINE,
          1,
          List.of(RESPONDER),
          List.of(MESH_RUNTIME, DETECT, RESPONDER, CONSOLE));
  public static final Topic ENFORCEMENT =
      kept(
          "enforcement",
          "containment id",
          List.of(EventType.ENFORCEMENT),
          PARTITIONS,
          Duration.ofDays(30),
          List.of(MESH_RUNTIME),
          List.of(RESPONDER, CONSOLE));
  public static final Topic INVENTORY =
      compacted(
          "inventory",
          "cluster/pod uid",
          EventType.INVENTORY,
          1,
          List.of(RESPONDER),
          List.of(DETECT, RESPONDER, CONSOLE));
  public static final Topic RISK =
      compacted(
          "risk",
          "SPIFFE ID",
          EventType.RISK,
          PARTITIONS,
          List.of(DETECT),
          List.of(MESH_RUNTIME, CONSOLE));
  public static final Topic POLICIES =
      compacted(
          "policies",
          "bundle name",
          EventType.POLICY,
          1,
          List.of(CLI),
          List.of(MESH_RUNTIME, CONSOLE));
  public static final Topic CONTROL =
      compacted(
          "control",
          "cluster",
          EventType.CONTROL,
          1,
          List.of(CLI, CONSOLE),
          List.of(RESPONDER, CONSOLE));
  public static final Topic APPROVALS =
      kept(
          "approvals",
          "containment id",
          List.of(EventType.APPROVAL),
          PARTITIONS,
          Duration.ofDays(365),
          List.of(CLI, CONSOLE),
          List.of(RESPONDER, CONSOLE));
  public static final Topic DEADLETTER =
      new Topic(
          "deadletter",
          "the original key",
          List.of(EventType.DEAD_LETTER),
          1,
          Duration.ofDays(30),
          1024L * MIB,
          MIB,
          List.of(MESH_RUNTIME, INGEST, DETECT, RESPONDER),
          List.of(CLI, CONSOLE));

  private static final List<Topic> ALL =
      List.of(
          EVENTS_IDENTITY,
          EVENTS_FALCO,
          FACTS,
          DETECTIONS,
          WORK,
          RESPONSES,
          CONTAINMENTS,
          QUARANTINE,
          ENFORCEMENT,
          INVENTORY,
          RISK,
          POLICIES,
          CONTROL,
          APPROVALS,
          DEADLETTER);

  private TopicCatalogue() {}

  /** All topics, in the order in which an event passes them. */
  public static List<Topic> all() {
    return ALL;
  }

  /** The topic with a name without prefix. */
  public static Optional<Topic> find(String name) {
    return ALL.stream().filter(topic -> topic.name().equals(name)).findFirst();
  }

  /**
   * Checks a prefix.
   *
   * @throws IllegalArgumentException if topic names could not start with it
   */
  public static String requirePrefix(String prefix) {
    if (!PREFIX.matcher(prefix).matches()) {
      throw new IllegalArgumentException(
          "prefix is '"
              + prefix
              + "': expected 1 to 100 characters of [a-zA-Z0-9._-], the first a letter or digit");
    }
    return prefix;
  }

  private static Topic kept(
      String name,
      String key,
      List<EventType> values,
      int partitions,
      Duration retention,
      List<Topic.Role> writers,
      List<Topic.Role> readers) {
    return topic(name, key, values, partitions, retention, writers, readers);
  }

  private static Topic compacted(
      String name,
      String key,
      EventType value,
      int partitions,
      List<Topic.Role> writers,
      List<Topic.Role> readers) {
    return topic(name, key, List.of(value), partitions, null, writers, readers);
  }

  private static Topic topic(
      String name,
      String key,
      List<EventType> values,
      int partitions,
      @Nullable Duration retention,
      List<Topic.Role> writers,
      List<Topic.Role> readers) {
    return new Topic(
        name, key, values, partitions, retention, null, MIB + 64 * 1024, writers, readers);
  }
}
