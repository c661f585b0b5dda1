package io.meshward.responder;

import io.meshward.daemon.Durations;
import io.meshward.rules.CompiledCondition;
import io.meshward.rules.ConditionFiles;
import io.meshward.rules.ItemNode;
import io.meshward.schemas.Containment.RecoveryMode;
import io.meshward.schemas.ErrorPolicy;
import io.meshward.schemas.Plan;
import io.meshward.schemas.ResponseMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads one playbook; everything that is wrong is reported. One use; not thread-safe. */
final class PlaybookReader {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration VERIFY_WITHIN = Duration.ofSeconds(60);
  private static final Duration MAX_AGE = Duration.ofMinutes(10);

  private static final Set<String> KEYS =
      Set.of(
          "playbook",
          "desc",
          "match",
          "mode",
          "cooldown",
          "max-age",
          "budget",
          "protect",
          "steps",
          "verify",
          "recover");
  private static final Set<String> STEP_KEYS =
      Set.of("action", "params", "when", "timeout", "on-error");

  private final ConditionFiles source;
  private final ItemNode node;
  private String item;
  private boolean failed;

  PlaybookReader(ConditionFiles source, ItemNode node) {
    this.source = source;
    this.node = node;
    this.item = "playbook";
  }

  /** The playbook; empty if anything is wrong with it. */
  Optional<Playbook> read() {
    Map<String, ItemNode> keys = mapping(node, KEYS, "a playbook");
    String name = text(keys, "playbook").orElse("");
    item = "playbook '" + name + "'";
    if (!NAME.matcher(name).matches()) {
      wrong(
          node.key("playbook"),
          "the name '"
              + name
              + "' is not of the form "
              + NAME
              + ": lower-case letters, digits, .-_");
    }
    Optional<String> description = text(keys, "desc");
    require(keys, "desc");
    require(keys, "match");
    require(keys, "steps");
    require(keys, "recover");
    Optional<CompiledCondition> match = condition(keys, "match");
    Optional<CompiledCondition> protect = condition(keys, "protect");
    ResponseMode mode = choice(keys, "mode", ResponseMode.class).orElse(null);
    Duration cooldown = duration(keys, "cooldown").orElse(Duration.ZERO);
    Duration maxAge = duration(keys, "max-age").orElse(MAX_AGE);
    Plan.Budget budget = budget(keys);
    List<Playbook.StepTemplate> steps = steps(keys);
    Duration verifyWithin =
        Optional.ofNullable(keys.get("verify"))
            .map(verify -> mapping(verify, Set.of("within"), "verify"))
            .flatMap(verify -> duration(verify, "within"))
            .orElse(VERIFY_WITHIN);
    Plan.Recovery recovery = recovery(keys, steps);
    return failed || match.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Playbook(
                name,
                description.orElse(""),
                match.get(),
                protect,
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
    Map<String, ItemNode> entries = mapping(budget, Set.of("containments", "window"), "budget");
    require(entries, "containments", budget);
    require(entries, "window", budget);
    int containments = number(entries, "containments", 0, 1000).orElse(0);
    Duration window = duration(entries, "window").orElse(Duration.ZERO);
    return new Plan.Budget(containments, window.toMillis());
  }

  private List<Playbook.StepTemplate> steps(Map<String, ItemNode> keys) {
    ItemNode steps = keys.get("steps");
    if (steps == null) {
      return List.of();
    }
    List<ItemNode> elements = steps.elements().orElse(List.of());
    if (elements.isEmpty() || elements.size() > Plan.MAX_STEPS) {
      wrong(
          steps, "'steps' is " + steps.kind() + ", expected a sequence of 1 to " + Plan.MAX_STEPS);
    }
    List<Playbook.StepTemplate> templates = new ArrayList<>();
    for (ItemNode element : elements) {
      step(element).ifPresent(templates::add);
    }
    return templates;
  }

  private Optional<Playbook.StepTemplate> step(ItemNode step) {
    Map<String, ItemNode> keys = mapping(step, STEP_KEYS, "a step");
    require(keys, "action", step);
    Optional<CompiledCondition> when = condition(keys, "when");
    Duration timeout = duration(keys, "timeout").orElse(TIMEOUT);
    ErrorPolicy onError = choice(keys, "on-error", ErrorPolicy.class).orElse(ErrorPolicy.STOP);
    ItemNode parameters = keys.get("params");
    String action = text(keys, "action").orElse(null);
    if (action == null) {
      return Optional.empty();
    }
    ParameterReader reader = new ParameterReader(parameters == null ? step : parameters);
    ActionTemplate template =
        switch (action) {
          case Holds.NAME -> reader.quarantine(parameters);
          case ScaleAction.NAME -> reader.scale(parameters);
          case IsolateAction.NAME -> reader.isolate(parameters);
          case ActionName.NOTIFY -> reader.tell(parameters);
          default -> {
            wrong(
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

  /** Reads the parameters of each action. */
  private final class ParameterReader {
    private final ItemNode place;

    ParameterReader(ItemNode place) {
      this.place = place;
    }

    private Map<String, ItemNode> entries(@Nullable ItemNode parameters, String... known) {
      return parameters == null ? Map.of() : mapping(parameters, Set.of(known), "the parameters");
    }

    ActionTemplate quarantine(@Nullable ItemNode parameters) {
      Map<String, ItemNode> entries = entries(parameters, "scope", "issued-before", "until", "ttl");
      boolean domain = word(entries, "scope", "identity", "trust-domain").equals("trust-domain");
      boolean issuedBefore = !word(entries, "issued-before", "", "detection.time").isEmpty();
      boolean untilExpiry = !word(entries, "until", "", "svid.expiry").isEmpty();
      Duration ttl = duration(entries, "ttl").orElse(null);
      if (domain && issuedBefore) {
        wrong(place, "'issued-before' is for one identity, not for a trust domain");
      }
      if (untilExpiry && (!issuedBefore || ttl == null)) {
        wrong(
            place,
            "'until: svid.expiry' needs 'issued-before: detection.time', and a 'ttl' for when the"
                + " expiry is not known");
      }
      return new ActionTemplate.Quarantine(domain, issuedBefore, untilExpiry, ttl);
    }

    ActionTemplate scale(@Nullable ItemNode parameters) {
      return new ActionTemplate.Scale(
          number(entries(parameters, "replicas"), "replicas", 0, 10_000).orElse(0));
    }

    ActionTemplate isolate(@Nullable ItemNode parameters) {
      entries(parameters);
      return new ActionTemplate.Isolate();
    }

    @Nullable ActionTemplate tell(@Nullable ItemNode parameters) {
      Map<String, ItemNode> entries = entries(parameters, "to", "text");
      boolean webhook = word(entries, "to", "log", "webhook").equals("webhook");
      String format = text(entries, "text").orElse("%detection.output");
      try {
        return new ActionTemplate.Notify(
            webhook, io.meshward.rules.OutputFormat.parse(format, PlaybookFields.CATALOGUE));
      } catch (RuntimeException e) {
        wrong(entries.getOrDefault("text", place), "'text': " + e.getMessage());
        return null;
      }
    }
  }

  private Plan.Recovery recovery(Map<String, ItemNode> keys, List<Playbook.StepTemplate> steps) {
    ItemNode recover = keys.get("recover");
    if (recover == null) {
      return new Plan.Recovery(RecoveryMode.MANUAL, false, false, 0);
    }
    Map<String, ItemNode> entries = mapping(recover, Set.of("mode", "healthy", "for"), "recover");
    require(entries, "mode", recover);
    RecoveryMode mode = choice(entries, "mode", RecoveryMode.class).orElse(RecoveryMode.MANUAL);
    ItemNode healthyNode = entries.get("healthy");
    Map<String, ItemNode> healthy =
        healthyNode == null
            ? Map.of()
            : mapping(healthyNode, Set.of("replacement-ready", "holds-expired"), "healthy");
    boolean replacementReady = flag(healthy, "replacement-ready");
    boolean holdsExpired = flag(healthy, "holds-expired");
    Duration quietFor = duration(entries, "for").orElse(Duration.ZERO);
    if (mode == RecoveryMode.AUTO && !replacementReady && !holdsExpired && quietFor.isZero()) {
      wrong(recover, "an automatic recovery needs a condition: expected 'healthy' or 'for'");
    }
    if (mode == RecoveryMode.MANUAL && (healthyNode != null || entries.containsKey("for"))) {
      wrong(recover, "'healthy' and 'for' are for 'mode: auto'");
    }
    boolean expires =
        steps.stream()
            .map(Playbook.StepTemplate::action)
            .anyMatch(action -> action instanceof ActionTemplate.Quarantine q && q.ttl() != null);
    if (holdsExpired && !expires) {
      wrong(recover, "'holds-expired' needs a step of " + Holds.NAME + " with a 'ttl'");
    }
    return new Plan.Recovery(mode, replacementReady, holdsExpired, quietFor.toMillis());
  }

  private Map<String, ItemNode> mapping(ItemNode value, Set<String> known, String what) {
    Map<String, ItemNode> entries = value.entries().orElse(null);
    if (entries == null) {
      wrong(value, what + " is " + value.kind() + ", expected a mapping");
      return Map.of();
    }
    for (String key : entries.keySet()) {
      if (!known.contains(key)) {
        wrong(
            value.key(key),
            what
                + " has no key '"
                + key
                + "': expected "
                + (known.isEmpty() ? "none" : "one of " + String.join(", ", new TreeSet<>(known))));
      }
    }
    return entries;
  }

  private void require(Map<String, ItemNode> entries, String key) {
    require(entries, key, node);
  }

  private void require(Map<String, ItemNode> entries, String key, ItemNode place) {
    if (!entries.containsKey(key)) {
      wrong(place, "the key '" + key + "' is missing");
    }
  }

  private Optional<String> text(Map<String, ItemNode> entries, String key) {
    ItemNode value = entries.get(key);
    if (value == null) {
      return Optional.empty();
    }
    Optional<String> text = value.text().filter(words -> !words.isBlank());
    if (text.isEmpty()) {
      wrong(value, "'" + key + "' is " + value.kind() + ", expected a text");
    }
    return text;
  }

  private <T> Optional<T> parsed(
      Map<String, ItemNode> entries, String key, Function<String, T> parser) {
    ItemNode value = entries.get(key);
    return text(entries, key)
        .flatMap(
            words -> {
              try {
                return Optional.of(parser.apply(words));
              } catch (IllegalArgumentException e) {
                wrong(
                    value == null ? node : value,
                    "'" + key + "' is '" + words + "', expected " + e.getMessage());
                return Optional.empty();
              }
            });
  }

  private Optional<Duration> duration(Map<String, ItemNode> entries, String key) {
    return parsed(entries, key, Durations::parse);
  }

  private Optional<Integer> number(Map<String, ItemNode> entries, String key, int least, int most) {
    String expected = "a whole number from " + least + " to " + most;
    return parsed(
        entries,
        key,
        words -> {
          if (!words.matches("\\d{1,6}")) {
            throw new IllegalArgumentException(expected);
          }
          int number = Integer.parseInt(words);
          if (number < least || number > most) {
            throw new IllegalArgumentException(expected);
          }
          return number;
        });
  }

  private boolean flag(Map<String, ItemNode> entries, String key) {
    return word(entries, key, "false", "true").equals("true");
  }

  /** One of a few words; the first one where the key is absent. */
  private String word(Map<String, ItemNode> entries, String key, String... words) {
    return parsed(
            entries,
            key,
            found -> {
              if (!Arrays.asList(words).contains(found)) {
                throw new IllegalArgumentException(
                    Arrays.stream(words)
                        .filter(word -> !word.isEmpty())
                        .collect(Collectors.joining(" or ")));
              }
              return found;
            })
        .orElse(words[0]);
  }

  private <E extends Enum<E>> Optional<E> choice(
      Map<String, ItemNode> entries, String key, Class<E> type) {
    return parsed(
        entries,
        key,
        words ->
            Arrays.stream(type.getEnumConstants())
                .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(words))
                .findFirst()
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            "one of "
                                + Arrays.stream(type.getEnumConstants())
                                    .map(each -> each.name().toLowerCase(Locale.ROOT))
                                    .collect(Collectors.joining(", ")))));
  }

  private Optional<CompiledCondition> condition(Map<String, ItemNode> entries, String key) {
    ItemNode value = entries.get(key);
    if (value == null) {
      return Optional.empty();
    }
    Optional<CompiledCondition> condition = source.condition(value, item);
    failed |= condition.isEmpty();
    return condition;
  }

  private void wrong(ItemNode place, String message) {
    failed = true;
    source.error(place, item, message);
  }
}
