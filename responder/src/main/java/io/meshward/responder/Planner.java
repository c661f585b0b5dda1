package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.ContainmentId;
import io.meshward.schemas.Detection;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Plan;
import io.meshward.schemas.Target;
import io.meshward.schemas.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From a detection to the work that playbooks see in it. Thread-safe. */
final class Planner {
  private final Playbooks playbooks;
  private final TargetResolver resolver;

  Planner(Playbooks playbooks, TargetResolver resolver) {
    this.playbooks = playbooks;
    this.resolver = resolver;
  }

  /** One piece of work for each playbook that answers the detection. */
  List<Work> plan(Detection detection) {
    TargetResolver.Resolved resolved = resolver.resolve(detection);
    PlaybookFields fields = new PlaybookFields(detection, resolved.target(), resolved.labels());
    List<Work> work = new ArrayList<>();
    for (Playbook playbook : playbooks.all()) {
      if (playbook.match().test(fields)) {
        work.add(work(playbook, fields, resolved));
      }
    }
    return work;
  }

  private static Work work(
      Playbook playbook, PlaybookFields fields, TargetResolver.Resolved resolved) {
    Target target = resolved.target();
    Detection detection = fields.detection();
    ContainmentId id = ContainmentId.of(target.key(), playbook.name(), detection.detection().id());
    List<Plan.Step> steps = playbook.steps().stream().map(step -> step(step, fields)).toList();
    return new Work(
        new Work.WorkItem(id.toString()),
        detection,
        playbook.ref(),
        target,
        resolved.resolution(),
        new Plan(
            playbook.mode(),
            steps,
            playbook.recovery(),
            playbook.verifyWithin().toMillis(),
            playbook.cooldown().toMillis(),
            playbook.maxAge().toMillis(),
            playbook.budget(),
            protectedBy(playbook, fields),
            approval(playbook, fields)));
  }

  private static Plan.Step step(Playbook.StepTemplate step, PlaybookFields fields) {
    Optional<ObjectNode> parameters = step.action().resolve(fields);
    String skipped = null;
    if (step.when().isPresent() && !step.when().get().test(fields)) {
      skipped = "its condition does not hold: " + step.when().get().condition().canonical();
    } else if (parameters.isEmpty()) {
      skipped = "no identity is known";
    }
    return new Plan.Step(
        step.action().action(),
        parameters.orElseGet(EventCodec::object),
        step.onError(),
        step.timeout().toMillis(),
        skipped);
  }

  private static @Nullable String approval(Playbook playbook, PlaybookFields fields) {
    return playbook
        .approval()
        .filter(approval -> approval.test(fields))
        .map(approval -> "the playbook asks where " + approval.condition().canonical())
        .orElse(null);
  }

  private static @Nullable String protectedBy(Playbook playbook, PlaybookFields fields) {
    if ("true".equals(fields.labels().get(Annotations.PROTECT))) {
      return "the target has the label " + Annotations.PROTECT;
    }
    return playbook.protect().filter(protect -> protect.test(fields)).isPresent()
        ? "the playbook protects the target"
        : null;
  }
}
