package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Pod;
import io.meshward.daemon.Resources;
import io.meshward.examples.ShopLine;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Fact;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.TopicCatalogue;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The stories of Meshward, played on a shop under steady calls: everything is started, attacked
 * from outside, watched, and removed again.
 */
final class Demo {
  private static final Logger log = LoggerFactory.getLogger(Demo.class);
  private static final List<Scenario> SCENARIOS =
      List.of(new AbusedFrontend(), new PoisonedAuthProxy(), new StolenOrders());

  private final Parts.Options options;
  private final Timeline timeline;
  private final Starter starter;
  private final LogFolder logs;
  private final Clock clock = Clock.systemUTC();
  private final CallLog calls = new CallLog();
  private final List<String> brokenProcesses = new ArrayList<>();

  /**
   * @param resources takes everything that has to be closed afterwards
   * @param logs takes the logs of the shop's processes
   */
  Demo(Parts.Options options, Timeline timeline, Resources resources, LogFolder logs) {
    this.options = options;
    this.timeline = timeline;
    this.starter = new Starter(resources);
    this.logs = logs;
  }

  /** Plays all scenarios, and stops at the first that fails. */
  DemoReport run() throws InterruptedException, IOException {
    List<Scenario.Result> results = new ArrayList<>();
    Optional<String> failure = Optional.empty();
    try {
      Stage stage = setUp();
      for (Scenario scenario : SCENARIOS) {
        timeline.chapter(results.size() + 1 + ". " + scenario.title());
        results.add(scenario.play(stage));
      }
      requireNothingElse(stage, results);
    } catch (InterruptedException | CommandException e) {
      throw e;
    } catch (Exception e) {
      log.atError().setCause(e).log("the demonstration failed");
      failure =
          Optional.of(
              e instanceof ScenarioFailedException || e instanceof TimeoutException
                  ? String.valueOf(e.getMessage())
                  : e.toString());
    }
    return DemoReport.of(failure, timeline.elapsed(), options.describe(), results, calls);
  }

  private Stage setUp() throws Exception {
    timeline.chapter("Starting on " + String.join(", ", options.describe()));
    Parts parts = Parts.start(options, timeline, starter);
    PipelineRecords records =
        starter.add(
            "records",
            PipelineRecords.start(
                parts.kafka().config().reader("meshward-demo"),
                parts.kafka().config().prefix(),
                TopicCatalogue.all(),
                new Narrator(timeline)));
    FalcoSensor sensor =
        starter.add("sensor", new FalcoSensor(parts.pipeline().ingest().httpUri(), clock));
    starter.add("harmless alerts", new HarmlessAlerts(sensor, parts.kubernetes().namespace()));
    Stage stage =
        new Stage(
            parts.kubernetes(),
            parts.workloadApi(),
            startShop(parts),
            calls,
            records,
            sensor,
            parts.operator(),
            timeline);
    awaitShop(stage);
    askOnce(stage);
    return stage;
  }

  /** One request is no burst: it becomes a fact that is counted, and nothing else. */
  private void askOnce(Stage stage) throws Exception {
    Pod pod = stage.pods("payment").getFirst();
    Instant at = AbusedFrontend.requestSvid(stage, pod, 0);
    timeline.tell(
        at,
        "somebody",
        "asks once for an SVID in pod " + pod.getMetadata().getName() + ": no burst");
    stage
        .records()
        .await(
            Fact.Match.class,
            "the request for an SVID as a fact",
            Stage.PATIENCE,
            match -> match.correlation().detection().equals(AbusedFrontend.RULE));
  }

  private ShopSupervisor startShop(Parts parts) throws IOException {
    ShopEnvironment environment =
        new ShopEnvironment(
            ShopEnvironment.MAIN_CLASSES,
            parts.workloadApi().identities(),
            parts.workloadApi()::address,
            parts.workloadApi()::hint,
            parts.kafka().config().bootstrapServers(),
            parts.kafka().config().prefix(),
            parts.folder().path(),
            logs);
    environment.writePolicies();
    ShopSupervisor shop =
        starter.add(
            "shop",
            new ShopSupervisor(
                parts.kubernetes().client(),
                parts.kubernetes().namespace(),
                environment,
                new LoopbackAddresses(RandomGenerator.getDefault()),
                new ProcessListener()));
    shop.start();
    parts.kubernetes().deployShop(ShopEnvironment.REPLICAS);
    return shop;
  }

  /** Everybody works, is known by address, and is served. */
  private void awaitShop(Stage stage) throws Exception {
    for (var replicas : ShopEnvironment.REPLICAS.entrySet()) {
      stage.shop().awaitRunning(replicas.getKey(), replicas.getValue(), Stage.PATIENCE);
    }
    for (ShopSupervisor.RunningProcess process : stage.shop().running()) {
      stage
          .records()
          .await(
              Inventory.class,
              "pod " + process.pod() + " in the inventory with " + process.address(),
              Stage.PATIENCE,
              inventory -> process.address().equals(inventory.pod().ip()));
    }
    Instant now = clock.instant();
    stage.awaitCalls("frontend", "auth-proxy", now);
    stage.awaitCalls("frontend", "orders", now);
    stage.awaitCalls("orders", "payment", now);
    timeline.tell("shop", stage.shop().running().size() + " processes call each other");
  }

  /** Nobody was contained but whom the scenarios attacked, and no process broke. */
  private void requireNothingElse(Stage stage, List<Scenario.Result> results)
      throws ScenarioFailedException {
    Set<String> known =
        results.stream()
            .map(result -> result.containment().containment().id())
            .collect(Collectors.toSet());
    List<PipelineRecords.Observed<Containment>> others =
        stage
            .records()
            .all(Containment.class, containment -> !known.contains(containment.containment().id()));
    Stage.require(
        others.isEmpty(),
        () ->
            "a containment that no scenario asked for: "
                + others.getFirst().event().playbook().name()
                + " of "
                + Narrator.name(others.getFirst().event().target()));
    synchronized (brokenProcesses) {
      Stage.require(brokenProcesses.isEmpty(), () -> String.join("; ", brokenProcesses));
    }
  }

  private final class ProcessListener implements ShopSupervisor.Listener {
    @Override
    public void processStarted(String pod, String address) {
      timeline.tell("shop", "process of pod " + pod + " works on " + address);
    }

    @Override
    public void processEnded(String pod) {
      timeline.tell("shop", "process of pod " + pod + " has ended");
    }

    @Override
    public void processFailed(String pod, String how, Path log) {
      String what = "the process of pod " + pod + " " + how;
      timeline.tell("shop", what + ": " + LogFolder.tail(log));
      synchronized (brokenProcesses) {
        brokenProcesses.add(what);
      }
    }

    @Override
    public void called(ShopLine.Call call) {
      calls.add(call);
    }
  }
}
