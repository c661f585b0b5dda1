package io.meshward.benchmarks;

import io.meshward.daemon.Resources;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.WorkloadReports;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures how long the pipeline takes from an event to its effect. */
@Command(
    name = "latency",
    description = {
      "Measures the time from an event to its effect, through all of Meshward.",
      "",
      "Posts alerts to ingest and reports mesh events, at each rate, and prints how long it took"
          + " until the API write and until a peer applied the hold, beside what the bare parts"
          + " take. Exits 1 if an event had no effect."
    },
    mixinStandardHelpOptions = true)
final class LatencyCommand implements Callable<Integer> {
  private static final Duration CLEAN_UP = Duration.ofSeconds(30);
  private static final Duration PODS = Duration.ofMinutes(4);

  private static final int REPLICAS = 2;
  private static final int WARM_UP_RATE = 500;
  private static final String WARMING = "warm-up";
  private static final int BASELINE = 200;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description =
          "A cluster to work in, in namespaces that are removed again; default: a double.")
  private @Nullable Path kubeconfig;

  @Option(
      names = "--rate",
      split = ",",
      paramLabel = "EVENTS",
      description = "Events per second (default: 25,500).")
  private List<Integer> rates = List.of(25, 500);

  @Option(
      names = "--matching",
      paramLabel = "EVENTS",
      description =
          "How many of them a rule matches; each is a containment of its own, but for windows"
              + " (default: ${DEFAULT-VALUE}).")
  private int matching = 5;

  @Option(
      names = "--seconds",
      paramLabel = "SECONDS",
      description = "How long each way is measured (default: ${DEFAULT-VALUE}).")
  private int seconds = 20;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "How long each way runs before, at 500 events/s (default: ${DEFAULT-VALUE}).")
  private int warmUp = 8;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs it and exits with its code. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new LatencyCommand()).execute(arguments));
  }

  /** What one rate is measured on. */
  private record Round(String name, Mix mix, List<Cluster.Workload> workloads) {
    static Round deploy(String name, Mix mix, Cluster cluster) {
      return new Round(
          name, mix, cluster.deploy(name, Math.ceilDiv(2 * mix.matches(), 3), REPLICAS));
    }
  }

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Map<String, Mix> mixes = mixes();
    Resources resources = new Resources(CLEAN_UP);
    Thread onSignal = new Thread(resources::close);
    Runtime.getRuntime().addShutdownHook(onSignal);
    try {
      return measure(out, mixes, resources) ? 0 : 1;
    } finally {
      resources.close();
    }
  }

  /** What is measured, by name, after the warm-up. */
  private Map<String, Mix> mixes() {
    Map<String, Mix> mixes = new LinkedHashMap<>();
    try {
      mixes.put(WARMING, new Mix(WARM_UP_RATE, matching, warmUp));
      rates.forEach(rate -> mixes.put("at-" + rate, new Mix(rate, matching, seconds)));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    return mixes;
  }

  private boolean measure(PrintWriter out, Map<String, Mix> mixes, Resources resources)
      throws Exception {
    Path home = Path.of(System.getProperty("meshward.home", "."));
    Path folder = Files.createTempDirectory("meshward-latency");
    resources.add("folder", () -> delete(folder));
    Cluster cluster = Cluster.start(Optional.ofNullable(kubeconfig), folder, resources);
    TestMesh mesh = resources.add("workload api", TestMesh.start("example.org"));
    String workloadApi = mesh.addressFor("/ns/meshward/sa/detect");
    Pipeline pipeline = Pipeline.start(cluster, workloadApi, home, folder, resources);
    SpiffeId peer = SpiffeId.parse("spiffe://example.org/ns/elsewhere/sa/peer");
    Map<String, Object> kafka = Map.of("bootstrap.servers", pipeline.kafka().bootstrapServers());
    resources.add(
        "peer",
        MeshRuntime.builder()
            .workloadApi(mesh.addressFor(peer))
            .kafka(kafka, pipeline.kafka().prefix())
            .start());
    WorkloadReports reports =
        resources.add(
            "reports",
            new WorkloadReports(kafka, pipeline.kafka().prefix(), mesh.trustDomain(), peer));
    Journal journal = resources.add("journal", Journal.start(pipeline.kafka()));
    Sensor sensor = resources.add("sensor", new Sensor(pipeline.ingest()));
    Stories stories = new Stories(journal, sensor, reports);

    out.println(
        "Meshward's latency on "
            + cluster.kind()
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " cores shared with Kafka, the cluster and the load, "
            + Instant.now().truncatedTo(ChronoUnit.MINUTES));
    List<Round> rounds = new ArrayList<>();
    mixes.forEach((name, mix) -> rounds.add(Round.deploy(name, mix, cluster)));
    tell(out, "workloads are created; waiting for their pods");
    awaitPods(journal, rounds);
    Baseline baseline =
        Baseline.measure(pipeline.kafka(), cluster, rounds.getFirst().workloads(), BASELINE);
    print(out, baseline);

    tell(out, "warming up: each way for " + warmUp + " s at 500 events/s");
    boolean good = true;
    for (Round round : rounds) {
      List<Stories.Outcome> outcomes = play(stories, journal, round);
      if (!round.name().equals(WARMING)) {
        out.println();
        out.println("At " + round.mix() + ":");
        outcomes.forEach(outcome -> print(out, outcome, baseline));
      } else {
        outcomes.forEach(outcome -> problems(out, outcome));
      }
      good &= outcomes.stream().allMatch(outcome -> outcome.problems().isEmpty());
      check(out, cluster, round);
    }
    return good;
  }

  private static List<Stories.Outcome> play(Stories stories, Journal journal, Round round)
      throws Exception {
    List<Stories.Outcome> outcomes = new ArrayList<>();
    List<Inventory> pods = onePodEach(journal, round);
    outcomes.add(stories.theft(round.mix(), identities(pods)));
    outcomes.add(stories.isolation(round.mix(), podsOf(journal, round)));
    // The isolated pods' replacements are the next way's pods; what is scaled to zero has none.
    boolean replaced =
        Pace.await(PODS, () -> onePodEach(journal, round).size() == round.workloads().size());
    if (!replaced) {
      throw new IllegalStateException("isolated pods are not replaced within " + PODS);
    }
    pods = onePodEach(journal, round);
    outcomes.add(stories.scaling(round.mix(), pods.subList(0, pods.size() / 2)));
    outcomes.add(
        stories.issues(round.mix(), identities(pods.subList(pods.size() / 2, pods.size()))));
    return outcomes;
  }

  private static List<SpiffeId> identities(List<Inventory> pods) {
    return pods.stream().flatMap(pod -> Optional.ofNullable(pod.spiffeId()).stream()).toList();
  }

  private static List<Inventory> podsOf(Journal journal, Round round) {
    return journal.readyPods().stream()
        .filter(pod -> pod.pod().name().startsWith(round.name() + "-"))
        .filter(pod -> pod.target().owner() != null && !pod.owners().isEmpty())
        .toList();
  }

  private static List<Inventory> onePodEach(Journal journal, Round round) {
    Map<String, Inventory> byWorkload = new TreeMap<>();
    podsOf(journal, round).forEach(pod -> byWorkload.put(pod.owners().getLast().name(), pod));
    return List.copyOf(byWorkload.values());
  }

  private static void awaitPods(Journal journal, List<Round> rounds) throws Exception {
    boolean ready =
        Pace.await(
            PODS,
            () ->
                rounds.stream()
                    .allMatch(
                        round ->
                            podsOf(journal, round).size() >= round.workloads().size() * REPLICAS));
    if (!ready) {
      throw new IllegalStateException("the workloads' pods are not ready within " + PODS);
    }
  }

  /** Looks at the cluster itself, whatever the records say. */
  private static void check(PrintWriter out, Cluster cluster, Round round) {
    long scaled =
        round.workloads().stream().filter(workload -> cluster.replicas(workload) == 0).count();
    out.println(
        String.format(
            Locale.ROOT,
            "  in the cluster: %d of %d Deployments scaled to 0, %d NetworkPolicies so far",
            scaled,
            round.workloads().size(),
            cluster.networkPolicies()));
    out.flush();
  }

  private static void print(PrintWriter out, Baseline baseline) {
    out.println();
    out.println("Bare parts, in ms, 25 a second:");
    out.println("  Kafka, acks=all, send → received           " + baseline.kafka());
    out.println("  the same in a transaction, read committed  " + baseline.transaction());
    out.println("  one merge patch at the API server          " + baseline.patch());
    out.println();
    out.flush();
  }

  private static void print(PrintWriter out, Stories.Outcome outcome, Baseline baseline) {
    boolean writes = !outcome.stages().isEmpty();
    double bare = baseline.kafka().p50() + (writes ? baseline.patch().p50() : 0);
    out.println("  " + outcome.title());
    out.println("    ms                   " + outcome.spread());
    outcome
        .stages()
        .forEach(
            stage ->
                out.println(
                    String.format(Locale.ROOT, "    · %-18s %s", stage.name(), stage.spread())));
    outcome.slowest().forEach(trail -> out.println("    · slowest: " + trail));
    out.println(
        String.format(
            Locale.ROOT,
            "    p50 is %.1f times the bare %s (%.2f ms)",
            outcome.spread().p50() / bare,
            writes ? "Kafka round trip and patch" : "Kafka round trip",
            bare));
    problems(out, outcome);
  }

  private static void problems(PrintWriter out, Stories.Outcome outcome) {
    outcome
        .problems()
        .forEach(problem -> out.println("    PROBLEM: " + outcome.title() + ": " + problem));
    out.flush();
  }

  private static void tell(PrintWriter out, String what) {
    out.println(what);
    out.flush();
  }

  private static void delete(Path folder) throws java.io.IOException {
    try (var files = Files.walk(folder)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }
}
