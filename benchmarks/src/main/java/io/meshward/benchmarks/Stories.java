package io.meshward.benchmarks;

import io.meshward.runtime.WorkloadReports;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The four ways from an event to its effect, by the shipped rules and playbooks. Each containment
 * is of a target that was not contained before: a detection for one that is would only join it.
 */
final class Stories {
  /** Of the shipped rule with a window. */
  private static final int BURST = 3;

  /** An address that no pod or node has. */
  private static final String ELSEWHERE = "198.51.100.7";

  /** So many of the slowest are told one by one. */
  private static final int SLOWEST = 3;

  private static final Duration DRAIN = Duration.ofSeconds(60);

  private final Journal journal;
  private final Sensor sensor;
  private final WorkloadReports reports;

  /**
   * One way, measured; all in milliseconds.
   *
   * @param title what was measured
   * @param spread from when the completing event was due until its effect
   * @param stages where the time went
   * @param slowest where it went for those that took longest
   */
  record Outcome(
      String title,
      Spread spread,
      List<Stage> stages,
      List<String> slowest,
      List<String> problems) {}

  /** From when the completing event was due until a place on its way. */
  record Stage(String name, Spread spread) {}

  Stories(Journal journal, Sensor sensor, WorkloadReports reports) {
    this.journal = journal;
    this.sensor = sensor;
    this.reports = reports;
  }

  /** Alert posted → pod isolated; rule "Illegal Workload API socket access", no window. */
  Outcome isolation(Mix mix, List<Inventory> pods) throws Exception {
    Instant[] due = new Instant[mix.matches()];
    List<Double> acknowledged = Collections.synchronizedList(new ArrayList<>());
    int failed =
        Pace.keep(
            mix.perSecond(),
            mix.events(),
            (index, time) -> {
              int match = mix.match(index);
              Inventory.Pod pod = pods.get(Math.max(0, match)).pod();
              if (match >= 0) {
                due[match] = time;
                sensor.illegalAccess(pod.namespace(), pod.name(), time);
                acknowledged.add(Spread.millis(time, Instant.now()));
              } else {
                sensor.somethingElse(pod.namespace(), pod.name(), time);
              }
            });
    return written(
        "alert posted → pod isolated, no window",
        due,
        i -> journal.step("pod.isolate", pods.get(i).pod().name()),
        acknowledged,
        failed);
  }

  /** Third alert posted → Deployment scaled to zero; rule "SVID request burst", a window. */
  Outcome scaling(Mix mix, List<Inventory> onePodEach) throws Exception {
    int bursts = Math.min(mix.matches() / BURST, onePodEach.size());
    Instant[] due = new Instant[bursts];
    List<Double> acknowledged = Collections.synchronizedList(new ArrayList<>());
    int failed =
        Pace.keep(
            mix.perSecond(),
            mix.events(),
            (index, time) -> {
              int match = mix.match(index);
              int burst = match / BURST;
              Inventory.Pod pod = onePodEach.get(Math.floorMod(burst, bursts)).pod();
              if (match >= 0 && burst < bursts) {
                if (match % BURST == BURST - 1) {
                  due[burst] = time;
                }
                sensor.svidRequest(pod.namespace(), pod.name(), time);
                acknowledged.add(Spread.millis(time, Instant.now()));
              } else {
                sensor.somethingElse(pod.namespace(), pod.name(), time);
              }
            });
    return written(
        "third alert posted → Deployment scaled to 0, window",
        due,
        i -> journal.step("workload.scale", onePodEach.get(i).owners().getLast().name()),
        acknowledged,
        failed);
  }

  private Outcome written(
      String title,
      Instant[] due,
      Function<Integer, Optional<Journal.Step>> step,
      List<Double> acknowledged,
      int failed)
      throws Exception {
    boolean all =
        Pace.await(
            DRAIN, () -> IntStream.range(0, due.length).allMatch(i -> step.apply(i).isPresent()));
    Map<String, List<Double>> stages = new HashMap<>();
    List<Trail> trails = new ArrayList<>();
    for (int i = 0; i < due.length; i++) {
      Optional<Journal.Step> reached = step.apply(i);
      if (reached.isPresent()) {
        trails.add(trail(due[i], reached.get()));
      }
    }
    for (Trail trail : trails) {
      trail.millis().forEach((name, millis) -> add(stages, name, millis));
    }
    stages.put("answered by ingest", acknowledged);
    return outcome(
        title,
        "written",
        stages,
        trails.stream()
            .sorted(Comparator.comparingDouble(Trail::written).reversed())
            .limit(SLOWEST)
            .map(Trail::toString)
            .toList(),
        problems(failed, all ? 0 : due.length - trails.size(), due.length));
  }

  /**
   * The way of one containment.
   *
   * @param millis from when its event was due until each place on its way, in order
   */
  private record Trail(String containment, int intents, Map<String, Double> millis) {
    double written() {
      return millis.getOrDefault("written", 0.0);
    }

    @Override
    public String toString() {
      return millis.entrySet().stream()
              .map(place -> String.format(Locale.ROOT, "%s %.1f", place.getKey(), place.getValue()))
              .collect(Collectors.joining(", "))
          + (intents > 1 ? " (intended " + intents + " times)" : "")
          + ", "
          + containment;
    }
  }

  private Trail trail(Instant due, Journal.Step reached) {
    Map<String, Double> millis = new LinkedHashMap<>();
    journal
        .detected(reached.detection())
        .ifPresent(at -> millis.put("detected", Spread.millis(due, at)));
    journal
        .planned(reached.containment())
        .ifPresent(at -> millis.put("planned", Spread.millis(due, at)));
    millis.put("intended", Spread.millis(due, reached.intended()));
    millis.put("written", Spread.millis(due, reached.done()));
    return new Trail(reached.containment(), reached.intents(), millis);
  }

  /** Handshake reported → hold applied at a peer; rule "Stolen SVID", no window. */
  Outcome theft(Mix mix, List<SpiffeId> victims) throws Exception {
    Instant[] due = new Instant[Math.min(mix.matches(), victims.size())];
    int failed =
        Pace.keep(
            mix.perSecond(),
            mix.events(),
            (index, time) -> {
              int match = mix.match(index);
              if (match >= 0 && match < due.length) {
                due[match] = time;
                reports.handshake(victims.get(match), ELSEWHERE);
              } else {
                reports.allowedCall(victims.get(index % victims.size()), ELSEWHERE);
              }
            });
    return applied("handshake reported → hold applied at a peer, no window", victims, due, failed);
  }

  /** Third SVID reported → hold applied at a peer; rule "SVID issue burst", a window. */
  Outcome issues(Mix mix, List<SpiffeId> workloads) throws Exception {
    Instant[] due = new Instant[Math.min(mix.matches() / BURST, workloads.size())];
    int failed =
        Pace.keep(
            mix.perSecond(),
            mix.events(),
            (index, time) -> {
              int match = mix.match(index);
              int burst = match / BURST;
              if (match >= 0 && burst < due.length) {
                if (match % BURST == BURST - 1) {
                  due[burst] = time;
                }
                reports.earlyRotation(workloads.get(burst));
              } else {
                reports.allowedCall(workloads.get(index % workloads.size()), ELSEWHERE);
              }
            });
    return applied("third SVID reported → hold applied at a peer, window", workloads, due, failed);
  }

  private Outcome applied(String title, List<SpiffeId> identities, Instant[] due, int failed)
      throws Exception {
    Function<Integer, Optional<Instant>> effect =
        i -> journal.applied(identities.get(i).toString(), due[i]);
    boolean all =
        Pace.await(
            DRAIN, () -> IntStream.range(0, due.length).allMatch(i -> effect.apply(i).isPresent()));
    Map<String, List<Double>> stages = new HashMap<>();
    int missing = 0;
    for (int i = 0; i < due.length; i++) {
      Optional<Instant> at = effect.apply(i);
      if (at.isEmpty()) {
        missing++;
        continue;
      }
      add(stages, "applied", Spread.millis(due[i], at.get()));
    }
    return outcome(
        title, "applied", stages, List.of(), problems(failed, all ? 0 : missing, due.length));
  }

  private static void add(Map<String, List<Double>> stages, String name, double millis) {
    stages.computeIfAbsent(name, _ -> new ArrayList<>()).add(millis);
  }

  private List<String> problems(int failed, int missing, int expected) {
    List<String> problems = new ArrayList<>();
    if (failed > 0) {
      problems.add(failed + " events were not taken");
    }
    if (missing > 0) {
      problems.add(
          missing + " of " + expected + " had no effect within " + DRAIN.toSeconds() + " s");
    }
    if (journal.failures() > 0) {
      problems.add(journal.failures() + " steps failed so far");
    }
    if (reports.dropped() > 0) {
      problems.add(reports.dropped() + " reports were dropped so far");
    }
    return problems;
  }

  private static Outcome outcome(
      String title,
      String effect,
      Map<String, List<Double>> stages,
      List<String> slowest,
      List<String> problems) {
    List<Double> samples = stages.remove(effect);
    if (samples == null) {
      throw new IllegalStateException(title + ": nothing arrived; " + String.join("; ", problems));
    }
    List<Stage> told =
        Stream.of("answered by ingest", "detected", "planned", "intended")
            .filter(name -> !stages.getOrDefault(name, List.of()).isEmpty())
            .map(name -> new Stage(name, Spread.of(stages.getOrDefault(name, List.of()))))
            .toList();
    return new Outcome(title, Spread.of(samples), told, slowest, problems);
  }
}
