package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;

/** OPA as a process of this machine, with a bundle that it polls for and a log of its decisions. */
final class RealOpa implements AutoCloseable {
  private final Path opa;
  private final Path folder;
  private final HttpServer services;
  private final List<JsonNode> logged = new CopyOnWriteArrayList<>();
  private final Process process;
  private final int port;
  private volatile byte[] bundle;

  /** The binary, if the environment names one. */
  static Optional<Path> binary() {
    return Optional.ofNullable(System.getenv("MESHWARD_TEST_OPA")).map(Path::of);
  }

  /**
   * Starts OPA.
   *
   * @param folder an empty one
   * @param policies a folder that is served as its bundle
   */
  RealOpa(Path opa, Path folder, Path policies, String revision) {
    this.opa = opa;
    this.folder = folder;
    this.bundle = build(policies, revision);
    try {
      services = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      services.createContext(
          "/bundle.tar.gz",
          exchange -> {
            exchange.sendResponseHeaders(200, bundle.length);
            exchange.getResponseBody().write(bundle);
            exchange.close();
          });
      services.createContext(
          "/logs",
          exchange -> {
            try (GZIPInputStream body = new GZIPInputStream(exchange.getRequestBody())) {
              EventCodec.readTree(body.readAllBytes()).forEach(logged::add);
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
          });
      services.start();
      Path configuration =
          Files.writeString(
              folder.resolve("opa.yaml"),
              """
              services:
                here: {url: "http://127.0.0.1:%d"}
              bundles:
                authz:
                  service: here
                  resource: bundle.tar.gz
                  polling: {min_delay_seconds: 1, max_delay_seconds: 1}
              decision_logs:
                service: here
                reporting: {min_delay_seconds: 1, max_delay_seconds: 1}
              """
                  .formatted(services.getAddress().getPort()));
      port = freePort();
      process =
          new ProcessBuilder(
                  opa.toString(),
                  "run",
                  "--server",
                  "--disable-telemetry",
                  "--addr",
                  "unix://" + socket(),
                  "--addr",
                  "127.0.0.1:" + port,
                  "--config-file",
                  configuration.toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("opa.log").toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A port that nobody listens on, below those from which the system serves connecting sockets: the
   * many that tests open could take it before whoever it is for.
   */
  static int freePort() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(10_000, 20_000);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // The next choice.
      }
    }
  }

  String unixAddress() {
    return "unix:" + socket();
  }

  String tcpAddress() {
    return "http://127.0.0.1:" + port;
  }

  /** What OPA has logged so far. */
  List<JsonNode> logged() {
    return List.copyOf(logged);
  }

  /** Serves another bundle, which OPA takes within a second or two. */
  void serve(Path policies, String revision) {
    bundle = build(policies, revision);
  }

  /** Lets it stand still: it takes connections and answers nothing. */
  void pause() {
    signal("-STOP");
  }

  void goOn() {
    signal("-CONT");
  }

  private void signal(String signal) {
    try {
      Process kill = new ProcessBuilder("kill", signal, Long.toString(process.pid())).start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("OPA does not run any more");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Path socket() {
    return folder.resolve("opa.sock");
  }

  private byte[] build(Path policies, String revision) {
    Path built = folder.resolve("bundle-" + revision + ".tar.gz");
    run(
        opa,
        "build",
        "--bundle",
        policies.toString(),
        "--ignore",
        "*_test.rego",
        "--revision",
        revision,
        "--output",
        built.toString());
    try {
      return Files.readAllBytes(built);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command of OPA to its good end. */
  static String run(Path opa, String... arguments) {
    List<String> command = new ArrayList<>(List.of(opa.toString()));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new AssertionError(command + " failed: " + output);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    services.stop(0);
  }
}
