package io.meshward.schemas;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One topic of the catalogue.
 *
 * @param name its name without prefix
 * @param key what its records' keys are
 * @param values the kinds of events on it
 * @param partitions how many partitions it has
 * @param retention how long records are kept; absent on a compacted topic
 * @param retentionBytes how many bytes a partition keeps, if bounded
 * @param maxMessageBytes the largest record
 * @param writers who may write it
 * @param readers who may read it
 */
public record Topic(
    String name,
    String key,
    List<EventType> values,
    int partitions,
    @Nullable Duration retention,
    @Nullable Long retentionBytes,
    int maxMessageBytes,
    List<Role> writers,
    List<Role> readers) {

  /** Who uses topics: each has its own principal. */
  public enum Role {
    MESH_RUNTIME("mesh-runtime"),
    INGEST("ingest"),
    DETECT("detect"),
    RESPONDER("responder"),
    CONSOLE("console"),
    CLI("cli");

    private final String label;

    Role(String label) {
      this.label = label;
    }

    /** The role's name in configuration and documents. */
    public String label() {
      return label;
    }
  }

  public Topic {
    Require.text(name, "topic.name");
    values = List.copyOf(values);
    writers = List.copyOf(writers);
    readers = List.copyOf(readers);
    if (partitions < 1) {
      throw new IllegalArgumentException(
          "topic " + name + " has " + partitions + " partitions: expected 1 or more");
    }
  }

  /** Whether only the latest record of each key is kept. */
  public boolean compacted() {
    return retention == null;
  }

  /** The topic's name on a broker: {@code <prefix>.<name>}. */
  public String name(String prefix) {
    return prefix + "." + name;
  }
}
