package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher script, in a checkout that holds nothing but what it looks at. */
final class LauncherTest {
  private static final Path SCRIPT = Path.of("..", "meshward").toAbsolutePath().normalize();

  @TempDir Path folder;
  private Path checkout;
  private Path tools;

  @BeforeEach
  void layOutACheckout() throws IOException {
    checkout = Files.createDirectories(folder.resolve("checkout"));
    tools = Files.createDirectories(folder.resolve("tools"));
    Files.copy(SCRIPT, checkout.resolve("meshward"));
    assertThat(checkout.resolve("meshward").toFile().setExecutable(true)).isTrue();
    for (String module : List.of("cli", "schemas")) {
      Files.createDirectories(checkout.resolve(module).resolve("src/main"));
      Files.writeString(checkout.resolve(module).resolve("pom.xml"), "");
    }
    for (String name : List.of("rules", "playbooks")) {
      Files.createDirectories(checkout.resolve(name));
    }
    Files.writeString(checkout.resolve("pom.xml"), "");
  }

  @Test
  void namedFolderWithoutJdk25IsRefused() throws Exception {
    Run run = run(Map.of("MESHWARD_JAVA_HOME", folder.toString()));

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("MESHWARD_JAVA_HOME", folder.toString(), "no JDK 25");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void otherJavaVersionIsNotTaken() throws Exception {
    Run run = run(Map.of("MESHWARD_JAVA_HOME", javaHome("21.0.2").toString()));

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("no JDK 25");
  }

  @Test
  void missingMavenIsNamed() throws Exception {
    for (String needed : List.of("dirname", "find", "head", "grep", "readlink")) {
      link(needed);
    }

    Run run =
        run(Map.of("MESHWARD_JAVA_HOME", javaHome("25.0.1").toString(), "PATH", tools.toString()));

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("no Maven", "3.8.6");
  }

  @Test
  void buildsOnceThenRunsWithWhatWasAsked() throws Exception {
    String path = mavenThat("mkdir -p cli/target/meshward; echo built >>built.txt");

    Run first = run(Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path), "a b");
    Run second = run(Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path), "c");

    assertThat(first.exitCode()).as(first.err()).isZero();
    assertThat(first.err()).contains("building the distribution", "built in");
    assertThat(first.out()).contains("io.meshward.cli.Meshward|a b|");
    assertThat(second.err()).isEmpty();
    assertThat(Files.readAllLines(checkout.resolve("built.txt"))).hasSize(1);
    assertThat(checkout.resolve("cli/target/meshward.lock")).doesNotExist();
  }

  @Test
  void buildsAgainAfterAChange() throws Exception {
    String path = mavenThat("mkdir -p cli/target/meshward; echo built >>built.txt");
    Map<String, String> environment =
        Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path);
    run(environment);
    Path stamp = checkout.resolve("cli/target/meshward/.built");
    Files.setLastModifiedTime(
        stamp, FileTime.fromMillis(Files.getLastModifiedTime(stamp).toMillis() - 60_000));
    Files.writeString(checkout.resolve("schemas/src/main/New.java"), "");

    run(environment);

    assertThat(Files.readAllLines(checkout.resolve("built.txt"))).hasSize(2);
  }

  @Test
  void failedBuildShowsItsErrorsAndRunsNothing() throws Exception {
    String path = mavenThat("echo noise; echo '[ERROR] the cause'; exit 1");

    Run run = run(Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path));

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("[ERROR] the cause", "build failed").doesNotContain("noise");
    assertThat(run.out()).isEmpty();
    assertThat(checkout.resolve("cli/target/meshward.lock")).doesNotExist();
  }

  @Test
  void twoAtOnceBuildOnce() throws Exception {
    String path = mavenThat("sleep 1; mkdir -p cli/target/meshward; echo built >>built.txt");
    Map<String, String> environment =
        Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path);

    Process first = start(environment);
    Process second = start(environment);

    assertThat(await(first).exitCode()).isZero();
    assertThat(await(second).exitCode()).isZero();
    assertThat(Files.readAllLines(checkout.resolve("built.txt"))).hasSize(1);
  }

  @Test
  void buildThatIsStoppedLeavesNeitherMavenNorALock() throws Exception {
    String path = mavenThat("echo $$ >maven.pid; exec sleep 60");

    Process launcher = start(Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path));
    long maven = awaitNumber(checkout.resolve("maven.pid"));
    launcher.toHandle().destroy();

    assertThat(await(launcher).exitCode()).isEqualTo(143);
    assertThat(ProcessHandle.of(maven).filter(ProcessHandle::isAlive)).isEmpty();
    assertThat(checkout.resolve("cli/target/meshward.lock")).doesNotExist();
  }

  private static long awaitNumber(Path file) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (System.nanoTime() < deadline) {
      if (Files.exists(file) && Files.readString(file).endsWith("\n")) {
        return Long.parseLong(Files.readString(file).strip());
      }
      LockSupport.parkNanos(20_000_000);
    }
    throw new AssertionError("no number in " + file);
  }

  @Test
  void lockOfADeadBuildIsTakenOver() throws Exception {
    String path = mavenThat("mkdir -p cli/target/meshward");
    Process dead = new ProcessBuilder("true").start();
    dead.waitFor();
    Path lock = Files.createDirectories(checkout.resolve("cli/target/meshward.lock"));
    Files.writeString(lock.resolve("pid"), Long.toString(dead.pid()));

    Run run = run(Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString(), "PATH", path));

    assertThat(run.exitCode()).as(run.err()).isZero();
  }

  @Test
  void runsFromADistributionWithoutSources() throws Exception {
    Path distribution = folder.resolve("distribution");
    Files.createDirectories(distribution.resolve("lib"));
    Files.copy(SCRIPT, distribution.resolve("meshward"));
    Files.createSymbolicLink(tools.resolve("mw"), distribution.resolve("meshward"));

    Process process =
        builder(
                List.of("/bin/sh", tools.resolve("mw").toString(), "x"),
                Map.of("MESHWARD_JAVA_HOME", javaHome("25").toString()))
            .start();

    Run run = await(process);
    assertThat(run.out())
        .contains("-Dmeshward.home=" + distribution.toRealPath() + "|")
        .contains("|x|");
  }

  /** A folder that looks like a JDK; its java prints its arguments, each followed by a bar. */
  private Path javaHome(String version) throws IOException {
    Path home = folder.resolve("jdk-" + version);
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + ".0\"\n");
    script(home.resolve("bin/java"), "printf '%s|' \"$@\"");
    return home;
  }

  /** A PATH whose first {@code mvn} runs the given lines. */
  private String mavenThat(String lines) throws IOException {
    script(tools.resolve("mvn"), lines);
    return tools + ":" + System.getenv("PATH");
  }

  private void link(String tool) throws IOException {
    for (String folder : System.getenv("PATH").split(":", -1)) {
      Path found = Path.of(folder, tool);
      if (Files.isExecutable(found)) {
        Files.createSymbolicLink(tools.resolve(tool), found);
        return;
      }
    }
    throw new IllegalStateException(tool + " is not on the PATH");
  }

  private static void script(Path path, String lines) throws IOException {
    Files.writeString(path, "#!/bin/sh\n" + lines + "\n");
    assertThat(path.toFile().setExecutable(true)).isTrue();
  }

  private Run run(Map<String, String> environment, String... arguments) throws Exception {
    return await(start(environment, arguments));
  }

  private Process start(Map<String, String> environment, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("/bin/sh"));
    command.add(checkout.resolve("meshward").toString());
    command.addAll(List.of(arguments));
    return builder(command, environment).start();
  }

  private static ProcessBuilder builder(List<String> command, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().remove("JAVA_HOME");
    builder.environment().putAll(environment);
    return builder;
  }

  private static Run await(Process process) throws InterruptedException {
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      throw new AssertionError(
          "it does not end within 30 s: "
              + text(process.getInputStream())
              + text(process.getErrorStream()));
    }
    return new Run(
        process.exitValue(), text(process.getInputStream()), text(process.getErrorStream()));
  }

  private static String text(InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private record Run(int exitCode, String out, String err) {}
}
