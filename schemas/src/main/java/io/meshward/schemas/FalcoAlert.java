package io.meshward.schemas;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An alert of Falco, or of what speaks its format: kind {@code falco.alert}.
 *
 * @param outputFields the alert's own fields under the names Falco gave them, dots and brackets
 *     included; exact numbers
 * @param k8s where it happened, as far as the alert says
 * @param extra top-level keys of the alert that this schema does not know, kept as they came
 */
public record FalcoAlert(
    Falco falco, ObjectNode outputFields, Place k8s, Map<String, JsonNode> extra) implements Event {
  public FalcoAlert {
    extra = Map.copyOf(new TreeMap<>(extra));
  }

  /**
   * The alert.
   *
   * @param uuid an attribute only: falcosidekick makes a new one for each attempt
   */
  public record Falco(
      String rule,
      String priority,
      String source,
      String output,
      Instant time,
      @Nullable String hostname,
      @Nullable String uuid,
      List<String> tags) {
    public Falco {
      Require.text(rule, "falco.rule");
      Require.text(priority, "falco.priority");
      Require.text(source, "falco.source");
      tags = List.copyOf(tags);
    }
  }

  /**
   * The cluster that the sensor belongs to, by configuration, and what the alert says of namespace
   * and pod.
   */
  public record Place(String cluster, @Nullable Name ns, @Nullable Name pod) {
    public Place {
      Require.text(cluster, "k8s.cluster");
    }
  }

  /** A name of a Kubernetes object. */
  public record Name(String name) {}
}
