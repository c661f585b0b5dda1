package io.meshward.schemas;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A detection that a playbook answers, with its target resolved: kind {@code work}.
 *
 * @param detection what is answered
 * @param playbook with what
 * @param target whom, as inventory and API resolved it
 * @param resolution how sure that is
 * @param plan what to do
 */
public record Work(
    WorkItem work,
    Detection detection,
    PlaybookRef playbook,
    Target target,
    Resolution resolution,
    Plan plan)
    implements Event {

  /**
   * Names the containment this work begins, unless it joins another: {@code
   * hash(target)-hash(playbook, first detection)}.
   */
  public record WorkItem(String containment) {
    public WorkItem {
      Require.text(containment, "work.containment");
    }
  }

  /** Whether the target was found. */
  public enum Outcome {
    /** One workload. */
    RESOLVED,
    /** An identity that names no workload, or several: only the identity can be contained. */
    IDENTITY_ONLY,
    /** Neither. */
    UNRESOLVED
  }

  /**
   * How the target was found.
   *
   * @param candidates the workloads that could be meant, if there were several
   */
  public record Resolution(Outcome outcome, @Nullable String reason, List<String> candidates) {
    public Resolution {
      candidates = List.copyOf(candidates);
    }
  }
}
