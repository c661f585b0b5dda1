package io.meshward.responder;

import io.meshward.rules.CompiledCondition;
import io.meshward.rules.ConditionFiles;
import io.meshward.rules.ItemNode;
import io.meshward.schemas.Containment.RecoveryMode;
import io.meshward.schemas.ErrorPolicy;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads one playbook; everything that is wrong is reported. One use; not thread-safe. */
final class PlaybookReader {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration VERIFY_WITHIN = Duration.ofSeconds(60);
  private static final Duration MAX_AGE = Duration.ofMinutes(10);
  private static final Duration RELAPSE_WITHIN = Duration.ofHours(1);

  static final Set<String> KEYS =
      Set.of(
          "playbook",
          "override",
          "desc",
          "match",
          "exceptions",
          "mode",
          "cooldown",
          "max-age",
          "budget",
          "protect",
          "approval",
          "steps",
          "verify",
          "recover");
  private static final Set<String> STEP_KEYS =
      Set.of("action", "params", "when", "timeout", "on-error");

  private final ItemReader reader;
  private final PlaybookItem item;

  PlaybookReader(ConditionFiles source, PlaybookItem item) {
    this.reader = new ItemReader(source, "playbook");
    this.item = item;
  }

  /** The playbook; empty if anything is wrong with it. */
  Optional<Playbook> read() {
    ItemNode node = item.node();
    Map<String, ItemNode> keys = item.keys();
    String name = reader.text(keys, "playbook").orElse("");
    reader.named("playbook '" + name + "'");
    if (!NAME.matcher(name).matches()) {
      reader.wrong(
          node.key("playbook"),
          "the name '"
              + name
              + "' is not of the form "
              + NAME
              + ": lower-case letters, digits, .-_");
    }
    Optional<String> description = reader.text(keys, "desc");
    reader.require(keys, "desc", node);
    reader.require(keys, "match", node);
    reader.require(keys, "steps", node);
    reader.require(keys, "recover", node);
    Optional<CompiledCondition> match =
        reader.condition(item.parts("match"), item.parts("exceptions"));
    Optional<CompiledCondition> protect = reader.condition(item.parts("protect"), List.of());
    Optional<CompiledCondition> approval = reader.condition(item.parts("approval"), List.of());
    ResponseMode mode = reader.choice(keys, "mode", ResponseMode.class).orElse(null);
    Duration cooldown = reader.duration(keys, "cooldown").orElse(Duration.ZERO);
    Duration maxAge = reader.duration(keys, "max-age").orElse(MAX_AGE);
    Plan.Budget budget = budget(keys);
    List<Playbook.StepTemplate> steps = steps();
    Duration verifyWithin =
        Optional.ofNullable(keys.get("verify"))
            .map(verify -> reader.mapping(verify, Set.of("within"), "verify"))
            .flatMap(verify -> reader.duration(verify, "within"))
            .orElse(VERIFY_WITHIN);
    Plan.Recovery recovery = recovery(keys, steps);
    return reader.failed() || match.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Playbook(
                name,
                description.orElse(""),
                match.get(),
                protect,
                approval,
                mode,
                cooldown,
                maxAge,
                budget,
                steps,
                verifyWithin,
                recovery));
  }

  private Plan.@Nullable Budget budget(Map<String, ItemNode> keys) {
    ItemNode budget = keys.get("budget");
    if (budget == null) {
      return null;
    }
    Map<String, ItemNode> entries =
        reader.mapping(budget, Set.of("containments", "window"), "budget");
    reader.require(entries, "containments", budget);
    reader.require(entries, "window", budget);
    int containments = reader.number(entries, "containments", 0, 1000).orElse(0);
    Duration window = reader.duration(entries, "window").orElse(Duration.ZERO);
    return new Plan.Budget(containments, window.toMillis());
  }

  private List<Playbook.StepTemplate> steps() {
    List<Playbook.StepTemplate> templates = new ArrayList<>();
    int count = 0;
    for (ItemNode steps : item.parts("steps")) {
      List<ItemNode> elements = steps.elements().orElse(List.of());
      count += elements.size();
      if (elements.isEmpty() || count > Plan.MAX_STEPS) {
        reader.wrong(
            steps,
            "'steps' is " + steps.kind() + ", expected a sequence of 1 to " + Plan.MAX_STEPS);
        return templates;
      }
      elements.forEach(element -> step(element).ifPresent(templates::add));
    }
    return templates;
  }

  private Optional<Playbook.StepTemplate> step(ItemNode step) {
    Map<String, ItemNode> keys = reader.mapping(step, STEP_KEYS, "a step");
    reader.require(keys, "action", step);
    Optional<CompiledCondition> when = reader.condition(keys, "when");
    Duration timeout = reader.duration(keys, "timeout").orElse(TIMEOUT);
    ErrorPolicy onError =
        reader.choice(keys, "on-error", ErrorPolicy.class).orElse(ErrorPolicy.STOP);
    ItemNode parameters = keys.get("params");
    String action = reader.text(keys, "action").orElse(null);
    if (action == null) {
      return Optional.empty();
    }
    ParameterReader values = new ParameterReader(reader, parameters == null ? step : parameters);
    ActionTemplate template =
        switch (action) {
          case Holds.NAME -> values.quarantine(parameters);
          case ScaleAction.NAME -> values.scale(parameters);
          case IsolateAction.NAME -> values.isolate(parameters);
          case ActionName.NOTIFY -> values.tell(parameters);
          default -> {
            reader.wrong(
                step.key("action"),
                "there is no action '"
                    + action
                    + "': expected one of "
                    + String.join(", ", new TreeSet<>(ActionName.ALL)));
            yield null;
          }
        };
    return template == null
        ? Optional.empty()
        : Optional.of(new Playbook.StepTemplate(template, when, timeout, onError));
  }

  private Plan.Recovery recovery(Map<String, ItemNode> keys, List<Playbook.StepTemplate> steps) {
    ItemNode recover = keys.get("recover");
    if (recover == null) {
      return Plan.Recovery.manual();
    }
    Map<String, ItemNode> entries =
        reader.mapping(recover, Set.of("mode", "healthy", "for", "relapse-within"), "recover");
    reader.require(entries, "mode", recover);
    RecoveryMode mode =
        reader.choice(entries, "mode", RecoveryMode.class).orElse(RecoveryMode.MANUAL);
    ItemNode healthyNode = entries.get("healthy");
    Map<String, ItemNode> healthy =
        healthyNode == null
            ? Map.of()
            : reader.mapping(healthyNode, Set.of("replacement-ready", "holds-expired"), "healthy");
    boolean replacementReady = reader.flag(healthy, "replacement-ready");
    boolean holdsExpired = reader.flag(healthy, "holds-expired");
    Duration quietFor = reader.duration(entries, "for").orElse(Duration.ZERO);
    if (mode == RecoveryMode.AUTO && !replacementReady && !holdsExpired && quietFor.isZero()) {
      reader.wrong(recover, "an automatic recovery needs a condition: expected 'healthy' or 'for'");
    }
    if (mode == RecoveryMode.MANUAL && entries.size() > 1) {
      reader.wrong(recover, "'healthy', 'for' and 'relapse-within' are for 'mode: auto'");
    }
    boolean expires =
        steps.stream()
            .map(Playbook.StepTemplate::action)
            .anyMatch(action -> action instanceof ActionTemplate.Quarantine q && q.ttl() != null);
    if (holdsExpired && !expires) {
      reader.wrong(recover, "'holds-expired' needs a step of " + Holds.NAME + " with a 'ttl'");
    }
    Duration relapseWithin = reader.duration(entries, "relapse-within").orElse(RELAPSE_WITHIN);
    return mode == RecoveryMode.MANUAL
        ? Plan.Recovery.manual()
        : new Plan.Recovery(
            mode, replacementReady, holdsExpired, quietFor.toMillis(), relapseWithin.toMillis());
  }
}
