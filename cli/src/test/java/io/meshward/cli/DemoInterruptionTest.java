package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@code meshward demo} is told to stop at any moment: it removes everything and ends with the code
 * of the signal. {@code -Dmeshward.test.interruptions=N} asks for N moments in each of its phases,
 * {@code -Dmeshward.test.seed=N} for the same moments again.
 */
final class DemoInterruptionTest {
  private static final Duration PHASE = Duration.ofMinutes(10);
  private static final Duration END = Duration.ofMinutes(2);

  @TempDir Path folder;

  /**
   * When it is told to stop.
   *
   * @param phase what it printed last
   * @param millis after that
   */
  record Moment(String phase, int millis, String signal, long seed) {
    int exitCode() {
      return signal.equals("INT") ? 130 : 143;
    }
  }

  static Stream<Moment> moments() throws Exception {
    long seed = Long.getLong("meshward.test.seed", System.nanoTime());
    Random random = new Random(seed);
    boolean hearsCtrlC = CommandProcess.hearsCtrlC(ProcessHandle.current().pid());
    List<Moment> moments = new ArrayList<>();
    for (int i = 0; i < Integer.getInteger("meshward.test.interruptions", 1); i++) {
      moments.add(moment("^Logs go to", 4_000, hearsCtrlC, random, seed));
      moments.add(moment("ingest, detect and respond are ready", 6_000, hearsCtrlC, random, seed));
      moments.add(moment("^" + (1 + random.nextInt(3)) + "\\. ", 6_000, hearsCtrlC, random, seed));
    }
    return moments.stream();
  }

  private static Moment moment(
      String phase, int bound, boolean hearsCtrlC, Random random, long seed) {
    String signal = random.nextBoolean() && hearsCtrlC ? "INT" : "TERM";
    return new Moment(phase, random.nextInt(bound), signal, seed);
  }

  @ParameterizedTest
  @MethodSource("moments")
  void leavesNothingBehind(Moment moment) throws Exception {
    try (CommandProcess demo =
        CommandProcess.start(Files.createDirectory(folder.resolve("run")), "demo")) {
      demo.awaitLine(moment.phase(), PHASE);
      LockSupport.parkNanos(moment.millis() * 1_000_000L);
      demo.signal(moment.signal());

      int exitCode = demo.awaitEnd(END);

      // Where this machine was slow and that one quick, it may have been over before it was told.
      boolean over = demo.everything().contains("\nEverything held, in ");
      assertThat(exitCode)
          .as(moment + "\n" + demo.everything())
          .matches(code -> code == moment.exitCode() || (over && code == 0));
      assertThat(demo.error()).as(moment.toString()).isEmpty();
      assertThat(demo.leftProcesses()).as(moment.toString()).isEmpty();
      assertThat(demo.leftFiles()).as(moment + "\n" + demo.everything()).isEmpty();
    }
  }
}
