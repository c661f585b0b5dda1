package io.meshward.benchmarks;

import io.meshward.daemon.KafkaConfig;
import io.meshward.daemon.Resources;
import io.meshward.daemon.TopicAdmin;
import io.meshward.embedded.EmbeddedKafka;
import io.meshward.runtime.ForcedTls;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures mesh-runtime against grpc-java alone, on loopback. */
@Command(
    name = "load",
    description = {
      "Measures mesh-runtime against grpc-java with mTLS and nothing else, on loopback.",
      "",
      "Calls: throughput and latency, in turns. Handshakes: how many full ones in a second, by TLS"
          + " provider. Cut: from the send of a quarantine record until the last of many live"
          + " connections is gone. Rotation: calls at a fixed rate while both sides' SVIDs are"
          + " rotated."
    },
    mixinStandardHelpOptions = true)
final class LoadCommand implements Callable<Integer> {
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final com.sun.management.OperatingSystemMXBean PROCESS =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  /** How many cuts come before those that count. */
  private static final int WARM_UP_CUTS = 5;

  private enum Part {
    CALLS,
    HANDSHAKES,
    CUT,
    ROTATION
  }

  @Option(
      names = "--part",
      split = ",",
      description = "What to measure: ${COMPLETION-CANDIDATES} (default: all).")
  private Set<Part> parts = Set.of(Part.values());

  @Option(
      names = "--rounds",
      description =
          "How often both sides of calls and handshakes take turns (default: ${DEFAULT-VALUE}).")
  private int rounds = 7;

  @Option(
      names = "--slice",
      description = "How many seconds a turn takes (default: ${DEFAULT-VALUE}).")
  private int slice = 2;

  @Option(
      names = "--connections",
      description = "How many connections are cut (default: ${DEFAULT-VALUE}).")
  private int connections = 1000;

  @Option(
      names = "--cuts",
      description = "How often all of them are cut (default: ${DEFAULT-VALUE}).")
  private int cuts = 20;

  @Option(
      names = "--rotations",
      description =
          "How often both SVIDs are rotated, ten times a second (default: ${DEFAULT-VALUE}).")
  private int rotations = 200;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs it and exits with its code. */
  public static void main(String[] arguments) {
    System.exit(
        new CommandLine(new LoadCommand())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    try (Resources resources = new Resources(Duration.ofSeconds(30))) {
      measure(spec.commandLine().getOut(), resources);
    }
    return 0;
  }

  private void measure(PrintWriter out, Resources resources) throws Exception {
    EmbeddedKafka broker = resources.add("kafka", EmbeddedKafka.start());
    KafkaConfig kafka = new KafkaConfig(broker.bootstrapServers(), "meshward", Map.of());
    try (Admin admin = Admin.create(kafka.admin("load"))) {
      var _ = new TopicAdmin(admin, kafka.prefix(), Duration.ofSeconds(15)).apply();
    }
    Path policy = Files.createTempFile("meshward-load", ".json");
    Files.writeString(
        policy,
        """
        {"name": "load", "allow_rules": [{
          "name": "client",
          "source": {"principals": ["spiffe://load.test/client"]},
          "request": {"paths": ["/meshward.benchmarks.Echo/*"]}}]}
        """);
    resources.add("policy", () -> Files.deleteIfExists(policy));
    say(
        out,
        "mesh-runtime against grpc-java alone, loopback, "
            + Runtime.getRuntime().availableProcessors()
            + " cores shared by clients, servers and Kafka, "
            + Instant.now().truncatedTo(ChronoUnit.MINUTES));
    LoadedMesh mesh = resources.add("mesh", LoadedMesh.start(kafka, policy));
    if (parts.contains(Part.CALLS)) {
      calls(out, mesh);
    }
    if (parts.contains(Part.HANDSHAKES)) {
      handshakes(out, mesh);
    }
    if (parts.contains(Part.CUT)) {
      cut(out, mesh);
    }
    if (parts.contains(Part.ROTATION)) {
      rotation(out, mesh);
    }
  }

  private void calls(PrintWriter out, LoadedMesh mesh) throws Exception {
    for (boolean events : List.of(false, true)) {
      try (LoadedMesh.Pair bare = mesh.bare(ForcedTls.BORINGSSL);
          LoadedMesh.Pair ours = mesh.runtimes(ForcedTls.BORINGSSL, events)) {
        say(
            out,
            "\nCalls of 128 bytes, "
                + (events
                    ? "an authorization event for each to Kafka, which runs on the same cores"
                    : "an authorization event for each, built and discarded"));
        for (int inFlight : List.of(1, 32)) {
          Turn bareAll = new Turn();
          Turn oursAll = new Turn();
          // Both are warm before either counts.
          EchoCalls.keep(bare.channel(), inFlight, Duration.ofSeconds(slice).toNanos());
          EchoCalls.keep(ours.channel(), inFlight, Duration.ofSeconds(slice).toNanos());
          for (int i = 0; i < rounds; i++) {
            // Each begins as often as the other: what one leaves behind is not always the other's.
            boolean bareFirst = i % 2 == 0;
            (bareFirst ? bareAll : oursAll).add(bareFirst ? bare : ours, inFlight, slice);
            (bareFirst ? oursAll : bareAll).add(bareFirst ? ours : bare, inFlight, slice);
          }
          say(out, "  " + inFlight + " in flight:");
          say(out, "    bare     " + bareAll);
          say(out, "    runtime  " + oursAll);
          say(
              out,
              String.format(
                  Locale.ROOT,
                  "    ratio    throughput %.3f, p50 %.3f, p99 %.3f; both sides' chains cost %.1f"
                      + " µs of processor and %.0f bytes a call",
                  oursAll.perSecond() / bareAll.perSecond(),
                  oursAll.spread().p50() / bareAll.spread().p50(),
                  oursAll.spread().p99() / bareAll.spread().p99(),
                  oursAll.processorMicros() - bareAll.processorMicros(),
                  oursAll.bytes() - bareAll.bytes()));
          if (events) {
            say(out, "    of the runtime's " + oursAll.shares());
          }
        }
        say(out, "    events dropped: " + ours.dropped());
      }
    }
  }

  /** The slices of one side. */
  private static final class Turn {
    private final List<Double> micros = new ArrayList<>();
    private final List<Double> rates = new ArrayList<>();
    private final List<Double> processorMicros = new ArrayList<>();
    private final List<Double> bytes = new ArrayList<>();
    private final Map<ThreadShares.Role, Double> byRole = new EnumMap<>(ThreadShares.Role.class);

    void add(LoadedMesh.Pair pair, int inFlight, int seconds) throws InterruptedException {
      ThreadShares sharesBefore = ThreadShares.now();
      long processorBefore = PROCESS.getProcessCpuTime();
      long bytesBefore = THREADS.getTotalThreadAllocatedBytes();
      long start = System.nanoTime();
      List<Double> taken;
      try (Phase _ = Phase.begin("calls-" + inFlight + "-" + pair)) {
        taken = EchoCalls.keep(pair.channel(), inFlight, Duration.ofSeconds(seconds).toNanos());
      }
      rates.add(taken.size() * 1e9 / (System.nanoTime() - start));
      processorMicros.add((PROCESS.getProcessCpuTime() - processorBefore) / 1e3 / taken.size());
      bytes.add((THREADS.getTotalThreadAllocatedBytes() - bytesBefore) / (double) taken.size());
      micros.addAll(taken);
      ThreadShares.now()
          .microsSince(sharesBefore)
          .forEach((role, used) -> byRole.merge(role, used, Double::sum));
    }

    /** Processor time for a call by what threads are for. */
    String shares() {
      return byRole.entrySet().stream()
          .map(
              entry ->
                  String.format(
                      Locale.ROOT,
                      "%s %.1f µs",
                      entry.getKey().label(),
                      entry.getValue() / micros.size()))
          .collect(Collectors.joining(", "));
    }

    /** The median slice's. */
    double perSecond() {
      return Spread.of(rates).p50();
    }

    /** Processor time of the whole process for a call; the median slice's. */
    double processorMicros() {
      return Spread.of(processorMicros).p50();
    }

    /** What the whole process allocated for a call; the median slice's. */
    double bytes() {
      return Spread.of(bytes).p50();
    }

    Spread spread() {
      return Spread.of(micros);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%8.0f calls/s, %6.1f µs of processor and %6.0f bytes a call; latency in µs: %s",
          perSecond(),
          processorMicros(),
          bytes(),
          spread());
    }
  }

  private void handshakes(PrintWriter out, LoadedMesh mesh) throws Exception {
    say(out, "\nFull handshakes in a second, client and server of the same provider, 8 at a time");
    for (boolean events : List.of(false, true)) {
      handshakes(out, mesh, events);
    }
  }

  private void handshakes(PrintWriter out, LoadedMesh mesh, boolean events) throws Exception {
    try (LoadedMesh.Pair ours = mesh.runtimes(ForcedTls.BORINGSSL, events);
        LoadedMesh.Pair jdk = mesh.runtimes(ForcedTls.JDK, events);
        LoadedMesh.Pair bare = mesh.bare(ForcedTls.BORINGSSL)) {
      List<Double> oursRates = new ArrayList<>();
      List<Double> jdkRates = new ArrayList<>();
      List<Double> bareRates = new ArrayList<>();
      for (int i = -1; i < rounds; i++) {
        double first = handshakes(ours, "boringssl");
        double second = handshakes(jdk, "jdk");
        double third = handshakes(bare, "bare");
        // The first turn warms up.
        if (i >= 0) {
          oursRates.add(first);
          jdkRates.add(second);
          bareRates.add(third);
        }
      }
      double rate = Spread.of(oursRates).p50();
      double jdkRate = Spread.of(jdkRates).p50();
      double bareRate = Spread.of(bareRates).p50();
      say(
          out,
          String.format(
              Locale.ROOT,
              "  %s:%n    runtime, BoringSSL %.0f; runtime, JDK provider %.0f; bare, BoringSSL"
                  + " %.0f%n    ratio to the JDK provider %.2f, to bare %.2f",
              events
                  ? "events signed and sent to Kafka, which runs on the same cores"
                  : "events built and discarded",
              rate,
              jdkRate,
              bareRate,
              rate / jdkRate,
              rate / bareRate));
    }
  }

  private double handshakes(LoadedMesh.Pair pair, String name) throws Exception {
    try (Phase _ = Phase.begin("handshakes-" + name)) {
      return pair.handshakes(slice);
    }
  }

  private void rotation(PrintWriter out, LoadedMesh mesh) throws Exception {
    try (LoadedMesh.Pair ours = mesh.runtimes(ForcedTls.BORINGSSL, true)) {
      EchoCalls.keep(ours.channel(), 1, Duration.ofSeconds(slice).toNanos());
      say(out, "\nRotation under load\n  " + RotationLoad.run(ours, rotations));
    }
  }

  private void cut(PrintWriter out, LoadedMesh mesh) throws Exception {
    try (LoadedMesh.Pair ours = mesh.serving(ForcedTls.BORINGSSL)) {
      List<Double> millis = new ArrayList<>();
      List<Double> bare = new ArrayList<>();
      double first = ours.cut(connections).lastGoneMillis();
      for (int i = 1; i < WARM_UP_CUTS + cuts; i++) {
        LoadedMesh.Cut cut = ours.cut(connections);
        if (i >= WARM_UP_CUTS) {
          millis.add(cut.lastGoneMillis());
          bare.add(cut.consumedMillis());
        }
      }
      say(
          out,
          "\nQuarantine record sent → last of "
              + connections
              + " live connections gone, "
              + cuts
              + " times after "
              + WARM_UP_CUTS
              + ", ms");
      say(out, "  runtime                               " + Spread.of(millis));
      say(out, "  the record at a bare consumer         " + Spread.of(bare));
      say(
          out,
          String.format(
              Locale.ROOT,
              "  p50 is %.1f times the bare; the first cut of all took %.1f ms",
              Spread.of(millis).ratioTo(Spread.of(bare)),
              first));
    }
  }

  private static void say(PrintWriter out, String text) {
    out.println(text);
    out.flush();
  }
}
