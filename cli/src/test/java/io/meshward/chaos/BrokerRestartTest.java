package io.meshward.chaos;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The broker stops and starts again on its data in the middle of the load. Nobody else is touched:
 * daemons and peers find back by themselves, and in the end nothing is lost and nothing was done
 * twice. The moments come from a seed, which every failure names; {@code -Dmeshward.chaos.seed=N}
 * runs it again.
 */
class BrokerRestartTest {
  private static final long SEED = Long.getLong("meshward.chaos.seed", new Random().nextLong());
  private static final int RESTARTS = 2;
  private static final int STORIES_PER_RESTART = 4;

  /** How long after stories begin, at most, the broker stops, and for how long it is away. */
  private static final int LATEST_MS = 500;

  private static final int LONGEST_MS = 3000;

  @TempDir Path folder;

  @Test
  void theBrokerComesBackAndEverybodyGoesOn() {
    assertThatCode(this::play).as("seed %d", SEED).doesNotThrowAnyException();
  }

  private void play() throws Exception {
    Random random = new Random(SEED);
    try (Installation installation = new Installation(folder, SEED);
        Watch watch = new Watch(installation.kafka);
        Sensor sensor = new Sensor(installation.daemon("ingest")::address)) {
      // As many begin after the last restart as before each.
      Map<String, String> pods =
          installation.cluster.deploy(Stories.workloads(STORIES_PER_RESTART * (RESTARTS + 1)));
      installation.startDaemons();
      AtomicLong numbers = new AtomicLong();
      List<Story> stories = new Stories(random, numbers).tell(pods, Instant.now());
      try (Load load = new Load(installation, sensor, watch, numbers)) {
        pods.values().stream().limit(2).forEach(load::noise);
        for (int i = 0; i <= RESTARTS; i++) {
          stories
              .subList(i * STORIES_PER_RESTART, (i + 1) * STORIES_PER_RESTART)
              .forEach(load::tell);
          if (i < RESTARTS) {
            Await.pass(Duration.ofMillis(random.nextInt(LATEST_MS)));
            installation.broker.stop();
            Await.pass(Duration.ofMillis(random.nextInt(LONGEST_MS)));
            installation.broker.restart();
          }
        }
        load.finish();
      }
      installation.daemons.values().forEach(DaemonProcess::awaitReady);
      Reckoning reckoning = new Reckoning(installation, stories, watch);
      reckoning.awaitEnd();
      reckoning.assertAlerts(sensor.answered());
      reckoning.assertDetections();
      reckoning.assertContainments();
      reckoning.assertActions();
      reckoning.assertNoDeadLetters();
    }
  }
}
