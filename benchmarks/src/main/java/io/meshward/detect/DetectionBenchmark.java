package io.meshward.detect;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.rules.FieldSource;
import io.meshward.rules.LoadResult;
import io.meshward.rules.Rule;
import io.meshward.rules.RuleFile;
import io.meshward.rules.RuleLoader;
import io.meshward.schemas.CloudEvents;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.EventType;
import io.meshward.schemas.EvidenceRef;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one event costs in detection, by its parts. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DetectionBenchmark {
  private static final byte[] ALERT =
      """
      {"falco": {"rule": "Read sensitive file untrusted", "priority": "Warning", "source": "syscall",
        "output": "cat opened /etc/shadow", "time": "2026-01-02T03:04:05.678Z",
        "hostname": "node-2", "tags": ["spiffe"]},
       "output_fields": {"evt.time": 1610667584834631763, "proc.name": "cat", "proc.tty": 0,
        "proc.cmdline": "cat /etc/shadow", "fd.name": "/run/spire/sockets/agent.sock",
        "proc.exepath": "/bin/cat", "proc.pname": "bash"},
       "k8s": {"cluster": "local", "ns": {"name": "shop"}, "pod": {"name": "orders-7c9d8b6f5-abcde"}}}
      """
          .getBytes(UTF_8);

  private static final CloudEvents.Attributes ATTRIBUTES =
      new CloudEvents.Attributes(
          EventType.FALCO_ALERT, "id", "//local/ingest", null, Instant.EPOCH, null);

  private static final String MACROS =
      """
      - list: shells
        items: [sh, ash, bash, csh, dash, fish, ksh, rbash, tcsh, zsh]
      - macro: workload_api_access
        condition: k8s.pod.name exists and fd.name endswith anyof (/spire/sockets/agent.sock, /spire-agent.sock)
      """;

  private static final String CONDITION =
      "workload_api_access and (proc.name in (shells) or proc.tty > 0"
          + " or proc.exepath pmatch (/tmp, /dev/shm))";

  private static final Set<String> SHELLS =
      Set.of("sh", "ash", "bash", "csh", "dash", "fish", "ksh", "rbash", "tcsh", "zsh");

  /** How many rules there are; each but one asks for another sensor rule. */
  @State(Scope.Thread)
  public static class Rules {
    @Param({"10", "100", "1000"})
    int rules;

    List<Rule> all = List.of();
    RuleIndex index = new RuleIndex(List.of());
    FieldSource event = view();

    @Setup
    public void load() {
      StringBuilder text = new StringBuilder(MACROS).append(rule("any", CONDITION));
      for (int i = 1; i < rules; i++) {
        text.append(
            rule("r" + i, "falco.rule = \"Sensor rule " + i + "\" and proc.name in (shells)"));
      }
      all = loaded(text.toString());
      index = new RuleIndex(all);
      event = view();
    }
  }

  private final Rule rule = loaded(MACROS + rule("any", CONDITION)).getFirst();
  private final FieldSource parsed = view();
  private final JsonNode tree = EventCodec.readTree(ALERT);
  private final EventCount window = new EventCount(60_000, 600_000, count -> count >= 3);
  private final EventCount.Progress early = new EventCount.Progress(Long.MIN_VALUE, 0);
  private final Deque<Long> bareWindow = new ArrayDeque<>();
  private GroupState group = GroupState.EMPTY;
  private long sequence;

  private static String rule(String name, String condition) {
    return """
    - rule: %s
      desc: d
      source: falco.alert
      condition: %s
      output: o
      priority: Notice
    """
        .formatted(name, condition);
  }

  private static List<Rule> loaded(String text) {
    return switch (RuleLoader.load(
        List.of(new RuleFile("benchmark", text)), FieldCatalogues.all())) {
      case LoadResult.Loaded loaded -> loaded.rules().rules();
      case LoadResult.Rejected rejected ->
          throw new IllegalStateException(rejected.diagnostics().toString());
    };
  }

  private static EventView view() {
    return new EventView(
        ATTRIBUTES,
        ALERT,
        _ -> {
          throw new IllegalStateException("no rule here asks the inventory");
        });
  }

  /** From bytes to a tree that fields are read from, with all of the codec's limits. */
  @Benchmark
  public JsonNode parse() {
    return EventCodec.readTree(ALERT);
  }

  /** The bare baseline of {@link #parse()}: Jackson as it comes. */
  @Benchmark
  public JsonNode parseBare() throws java.io.IOException {
    return Bare.MAPPER.readTree(ALERT);
  }

  /** One condition of five tests on an event that was parsed. */
  @Benchmark
  public boolean condition() {
    return rule.condition().test(parsed);
  }

  /** The bare baseline of {@link #condition()}: the same written in Java for this very event. */
  @Benchmark
  public boolean conditionBare() {
    JsonNode fields = tree.path("output_fields");
    String file = fields.path("fd.name").asText();
    String executable = fields.path("proc.exepath").asText();
    return !tree.path("k8s").path("pod").path("name").isMissingNode()
        && (file.endsWith("/spire/sockets/agent.sock") || file.endsWith("/spire-agent.sock"))
        && (SHELLS.contains(fields.path("proc.name").asText())
            || fields.path("proc.tty").asLong() > 0
            || executable.startsWith("/tmp/")
            || executable.startsWith("/dev/shm/"));
  }

  /** Which of many rules match, by the index. */
  @Benchmark
  public Object index(Rules rules) {
    return rules.index.test(rules.event);
  }

  /** The bare baseline of {@link #index(Rules)}: all rules, one after the other. */
  @Benchmark
  public List<Rule> indexBare(Rules rules) {
    List<Rule> matching = new ArrayList<>();
    for (Rule each : rules.all) {
      if (each.condition().test(rules.event)) {
        matching.add(each);
      }
    }
    return matching;
  }

  /** One event into a window of three that it completes every third time. */
  @Benchmark
  public Object correlation() {
    long time = sequence++;
    EventCount.Judgement judgement =
        window.judge(
            group,
            new CountedEvent(time, time, new EvidenceRef("t", 0, time, "e" + time, null, null)),
            early);
    group =
        switch (judgement) {
          case EventCount.Judgement.Duplicate() -> group;
          case EventCount.Judgement.Waiting(GroupState state, int _) -> state;
          case EventCount.Judgement.Full(GroupState state, List<CountedEvent> _) -> state;
        };
    return judgement;
  }

  /** The bare baseline of {@link #correlation()}: a queue of times, without ids or evidence. */
  @Benchmark
  public boolean correlationBare() {
    long time = sequence++;
    while (!bareWindow.isEmpty() && bareWindow.getFirst() <= time - 60_000) {
      bareWindow.removeFirst();
    }
    bareWindow.add(time);
    if (bareWindow.size() >= 3) {
      bareWindow.clear();
      return true;
    }
    return false;
  }

  /** Jackson without any setting of ours. */
  private static final class Bare {
    static final com.fasterxml.jackson.databind.ObjectMapper MAPPER =
        new com.fasterxml.jackson.databind.ObjectMapper();
  }
}
