package io.meshward.schemas;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.meshward.schemas.Detection.SvidRef;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the matching tasks tell the correlating tasks: kind {@code fact}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "fact")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Fact.Match.class, name = "match"),
  @JsonSubTypes.Type(value = Fact.Watermark.class, name = "watermark")
})
public sealed interface Fact extends Event {

  /**
   * An event matched a rule that a correlation counts.
   *
   * @param event the matched event: enough of it to build the detection
   */
  record Match(Correlation correlation, EventRef event, EvidenceRef evidence) implements Fact {}

  /**
   * A matching task's promise: it sends no match with an earlier event time, except late ones.
   *
   * @param task the task that promises
   * @param time its low event time
   */
  record Watermark(String task, Instant time) implements Fact {
    public Watermark {
      Require.text(task, "task");
    }
  }

  /**
   * The detection item, its version, the referenced rule that matched, and the group the event
   * falls in.
   */
  record Correlation(String detection, String version, String rule, List<String> group) {
    public Correlation {
      group = List.copyOf(group);
    }
  }

  /**
   * What the correlating task needs of the matched event.
   *
   * @param id the event's id; a window counts each id once
   * @param time event time
   * @param clamped whether the time had to be clamped
   * @param fields what the detection's output, target and group need, rendered
   */
  record EventRef(
      String id,
      Instant time,
      boolean clamped,
      String source,
      String reporter,
      Map<String, String> fields,
      Target target,
      @Nullable SvidRef svid,
      @Nullable Peer peer) {
    public EventRef {
      Require.text(id, "event.id");
      fields = Map.copyOf(fields);
    }
  }
}
