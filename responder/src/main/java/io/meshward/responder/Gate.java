package io.meshward.responder;

import io.meshward.schemas.Containment;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Work;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides how far a containment may go: the most careful of configuration, playbook and control
 * topic, and one step back to asking a person where it may not act by itself. Thread-safe.
 */
final class Gate {
  private final ResponseMode configured;
  private final Set<String> namespaces;
  private final Protection protection;
  private final BudgetBook budget;
  private final Supplier<ResponseMode> highest;

  /** What the gate says. */
  sealed interface Decision {
    /** Nothing is done: the target is protected, or it is nobody, or several. */
    record Stop(ContainmentState state, @Nullable String reason) implements Decision {}

    /**
     * It may go so far.
     *
     * @param reason why no further, where that does not go without saying
     */
    record Proceed(ResponseMode mode, @Nullable String reason) implements Decision {}
  }

  /**
   * A gate.
   *
   * @param highest the highest mode that the control topic allows now
   */
  Gate(ResponderConfig config, BudgetBook budget, Supplier<ResponseMode> highest) {
    this.configured = config.mode();
    this.namespaces = config.enforce().namespaces();
    this.protection = new Protection(config.protect());
    this.budget = budget;
    this.highest = highest;
  }

  /** Decides about a piece of work that would begin a containment; books it if it acts at once. */
  Decision decide(Work work, Instant now) {
    Optional<String> objection = protection.objection(work);
    if (objection.isPresent()) {
      return new Decision.Stop(ContainmentState.SUPPRESSED, objection.get());
    }
    if (unresolved(work)) {
      return new Decision.Stop(ContainmentState.UNRESOLVED, work.resolution().reason());
    }
    Plan plan = work.plan();
    ResponseMode mode = configured.atMost(highest.get());
    if (plan.mode() != null) {
      mode = mode.atMost(plan.mode());
    }
    Instant oldest = now.minusMillis(plan.maxAgeMs());
    if (work.detection().detection().time().isBefore(oldest)
        && mode.compareTo(ResponseMode.PLAN) > 0) {
      return new Decision.Proceed(
          ResponseMode.PLAN, "the detection is older than " + plan.maxAgeMs() / 1000 + " s");
    }
    if (mode != ResponseMode.ENFORCE) {
      return new Decision.Proceed(mode, null);
    }
    String obstacle = obstacle(work, now);
    return obstacle == null
        ? new Decision.Proceed(ResponseMode.ENFORCE, null)
        : new Decision.Proceed(ResponseMode.APPROVE, obstacle);
  }

  /** A plan about a workload needs one; where only an identity is known, one about it will do. */
  private static boolean unresolved(Work work) {
    return switch (work.resolution().outcome()) {
      case RESOLVED -> false;
      case UNRESOLVED -> true;
      case IDENTITY_ONLY -> {
        List<String> actions =
            work.plan().steps().stream()
                .filter(step -> step.skipped() == null)
                .map(Plan.Step::action)
                .toList();
        yield actions.stream().anyMatch(ActionName::needsWorkload)
            || actions.stream().noneMatch(ActionName::changesSomething);
      }
    };
  }

  /** Whether nobody has to be asked; it counts as begun then. */
  boolean actsByItself(Work work, Instant now) {
    return decide(work, now) instanceof Decision.Proceed(ResponseMode mode, var _)
        && mode == ResponseMode.ENFORCE;
  }

  /** Why a person has to be asked. */
  private @Nullable String obstacle(Work work, Instant now) {
    String namespace = work.target().namespace();
    if (namespace == null || !namespaces.contains(namespace)) {
      return namespace == null
          ? "the target's namespace is not known"
          : "namespace " + namespace + " is not listed under enforce.namespaces";
    }
    boolean domain =
        work.plan().steps().stream()
            .filter(step -> step.action().equals(Holds.NAME))
            .anyMatch(step -> Holds.subject(step.parameters()).kind() == Subject.Kind.TRUST_DOMAIN);
    if (domain) {
      return "the quarantine of a trust domain always needs approval";
    }
    if (work.plan().approval() != null) {
      return work.plan().approval();
    }
    return budget
        .book(work.work().containment(), work.playbook().name(), work.plan().budget(), now)
        .orElse(null);
  }

  /** Whether a containment that was let pass may go on now: the control topic may say no. */
  boolean mayAct(Containment containment) {
    return highest.get().compareTo(containment.containment().mode()) >= 0;
  }
}
