package com.example.foreign;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A service as its owner runs it: in a JVM of its own, without a flag. */
final class RunningService implements AutoCloseable {
  private static final Pattern LISTENING =
      Pattern.compile("gRPC Server started, listening on address: \\S*:(\\d+)");

  private final Process process;
  private final int port;

  private RunningService(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** Returns once the service listens; what it printed is in the error if it ends before. */
  static RunningService start(Class<?> application, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(application.getName());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    BufferedReader output = process.inputReader();
    StringBuilder printed = new StringBuilder();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      printed.append(line).append('\n');
      Matcher listening = LISTENING.matcher(line);
      if (listening.find()) {
        Thread.ofVirtual().start(() -> output.lines().forEach(System.out::println));
        return new RunningService(process, Integer.parseInt(listening.group(1)));
      }
    }
    throw new AssertionError("the service ended before it listened:\n" + printed);
  }

  int port() {
    return port;
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the service did not stop within 30 s of SIGTERM");
    }
  }
}
