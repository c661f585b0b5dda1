package io.meshward.chaos;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Each daemon is killed ({@code kill -9}) at ten instants under load and started again, while
 * broker, cluster and peers go on. What is asserted stands with the methods of {@link Reckoning}:
 *
 * <ul>
 *   <li>every alert that was answered with 2xx is on its topic, once by id;
 *   <li>detections are, by id, those of a detect over the same events that nobody killed, none
 *       twice;
 *   <li>every containment comes to its end, and the API server did nothing twice.
 * </ul>
 *
 * <p>The instants come from a seed, which every failure names; {@code -Dmeshward.chaos.seed=N} runs
 * it again, and {@code -Dmeshward.chaos.kills=N} kills each daemon N times. What the daemons logged
 * before a failure is kept under {@code target/chaos}.
 */
class ChaosTest {
  private static final long SEED = Long.getLong("meshward.chaos.seed", new Random().nextLong());
  private static final int KILLS = Integer.getInteger("meshward.chaos.kills", 10);
  private static final int STORIES_PER_KILL = 2;
  private static final Path EVIDENCE = Path.of("target", "chaos");

  /** How long after a story begins, at most, somebody dies: in that time it mostly plays. */
  private static final int LATEST_MS = 800;

  /** One of so many is killed at some moment of its start, the others when they are ready. */
  private static final int WHILE_STARTING = 4;

  private static final Logger log = LoggerFactory.getLogger(ChaosTest.class);

  @TempDir Path folder;

  /**
   * An instant.
   *
   * @param daemon who dies
   * @param after how long after the stories of this kill begin
   * @param starting whether it may still be starting then
   */
  private record Kill(String daemon, Duration after, boolean starting) {}

  @Test
  void whoeverIsKilledNothingIsLostAndNothingIsDoneTwice() {
    assertThatCode(this::play).as("seed %d", SEED).doesNotThrowAnyException();
  }

  private void play() throws Exception {
    Random random = new Random(SEED);
    List<Kill> kills = kills(random);
    try (Installation installation = new Installation(folder, SEED);
        Watch watch = new Watch(installation.kafka);
        Sensor sensor = new Sensor(installation.daemon("ingest")::address)) {
      Map<String, String> pods =
          installation.cluster.deploy(Stories.workloads(STORIES_PER_KILL * kills.size()));
      try {
        play(installation, watch, sensor, pods, kills, random);
      } catch (Exception | Error e) {
        installation.keepLogs(EVIDENCE.resolve(Long.toString(SEED)));
        throw e;
      }
    }
  }

  private static void play(
      Installation installation,
      Watch watch,
      Sensor sensor,
      Map<String, String> pods,
      List<Kill> kills,
      Random random)
      throws Exception {
    installation.startDaemons();
    installation.restartDaemons();
    AtomicLong numbers = new AtomicLong();
    List<Story> stories = new Stories(random, numbers).tell(pods, Instant.now());
    try (Load load = new Load(installation, sensor, watch, numbers)) {
      pods.values().stream().limit(2).forEach(load::noise);
      for (int i = 0; i < kills.size(); i++) {
        Kill kill = kills.get(i);
        stories.subList(i * STORIES_PER_KILL, (i + 1) * STORIES_PER_KILL).forEach(load::tell);
        DaemonProcess daemon = installation.daemon(kill.daemon());
        if (!kill.starting()) {
          daemon.awaitReady();
        }
        Await.pass(kill.after());
        daemon.requireAlive();
        log.atInfo().addKeyValue("number", i + 1).addKeyValue("daemon", kill).log("kill");
        daemon.kill();
        daemon.start();
      }
      installation.daemons.values().forEach(DaemonProcess::awaitReady);
      load.finish();
    }
    log.info("all alerts are answered");
    Reckoning reckoning = new Reckoning(installation, stories, watch);
    reckoning.awaitEnd();
    log.info("all containments came to their end");
    reckoning.assertAlerts(sensor.answered());
    reckoning.assertDetections();
    reckoning.assertContainments();
    reckoning.assertActions();
    reckoning.assertNoDeadLetters();
  }

  /** Round by round: in each, every daemon dies once, in some order. */
  private static List<Kill> kills(Random random) {
    List<Kill> kills = new ArrayList<>();
    for (int i = 0; i < KILLS; i++) {
      List<String> round = new ArrayList<>(Installation.DAEMONS);
      Collections.shuffle(round, random);
      for (String daemon : round) {
        kills.add(
            new Kill(
                daemon,
                Duration.ofMillis(random.nextInt(LATEST_MS)),
                random.nextInt(WHILE_STARTING) == 0));
      }
    }
    return kills;
  }
}
