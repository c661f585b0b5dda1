package com.example.foreign;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A service as its owner runs it: a jar in a JVM of its own, without a flag. That natives may be
 * loaded is in the manifest, as Java 24 and later want to be told. The JVM is that of {@value
 * #JAVA_21} where the environment has it, else the one of the tests.
 */
final class RunningService implements AutoCloseable {
  /** The home of a Java 21, the oldest that our modules run on. */
  static final String JAVA_21 = "MESHWARD_TEST_JAVA21";

  private static final Pattern LISTENING =
      Pattern.compile("gRPC Server started, listening on address: \\S*:(\\d+)");

  private final Process process;
  private final int port;
  private final String beginning;
  private final Future<String> output;

  private RunningService(Process process, int port, String beginning, Future<String> output) {
    this.process = process;
    this.port = port;
    this.beginning = beginning;
    this.output = output;
  }

  /**
   * Returns once the service listens; what it printed is in the error if it ends before.
   *
   * @param directory where its jar is made
   */
  static RunningService start(Class<?> application, Path directory, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(java().toString());
    command.add("-jar");
    command.add(jar(application, directory.resolve("service.jar")).toString());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    BufferedReader lines = process.inputReader();
    StringBuilder printed = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      printed.append(line).append('\n');
      Matcher listening = LISTENING.matcher(line);
      if (listening.find()) {
        FutureTask<String> output =
            new FutureTask<>(
                () -> {
                  lines.lines().forEach(more -> printed.append(more).append('\n'));
                  return printed.toString();
                });
        RunningService service =
            new RunningService(
                process, Integer.parseInt(listening.group(1)), printed.toString(), output);
        Thread.ofVirtual().start(output);
        return service;
      }
    }
    throw new AssertionError("the service ended before it listened:\n" + printed);
  }

  private static Path java() {
    String home =
        Optional.ofNullable(System.getenv(JAVA_21)).orElse(System.getProperty("java.home"));
    Path java = Path.of(home, "bin", "java");
    if (!Files.isExecutable(java)) {
      throw new IllegalStateException(
          "the home of a Java 21 expected in " + JAVA_21 + "=" + home + ": there is no " + java);
    }
    return java;
  }

  private static Path jar(Class<?> application, Path file) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.put(Attributes.Name.MAIN_CLASS, application.getName());
    main.put(
        Attributes.Name.CLASS_PATH,
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toUri().toString())
            .collect(Collectors.joining(" ")));
    main.putValue("Enable-Native-Access", "ALL-UNNAMED");
    new JarOutputStream(Files.newOutputStream(file), manifest).close();
    return file;
  }

  int port() {
    return port;
  }

  /** What the service printed until it listened. */
  String beginning() {
    return beginning;
  }

  /** Stops the service; what it printed from its first line to its last. */
  String stop() throws Exception {
    close();
    return output.get(30, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws InterruptedException {
    // Process.destroy would close the stream that is being read.
    process.toHandle().destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the service did not stop within 30 s of SIGTERM");
    }
  }
}
