package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.EventCodec;
import io.meshward.testkit.ForeignTls;
import io.meshward.testkit.IssuedSvid;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** {@code meshward spiffe-harness} in a process of its own, with three environment variables. */
final class HarnessProcess implements AutoCloseable {
  private static final int DEADLINE_S = 60;

  private final Process process;
  private final Path errors;
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Boolean> ready = new CompletableFuture<>();
  private final HttpClient http = HttpClient.newHttpClient();

  record Answer(int status, JsonNode body) {}

  private HarnessProcess(Process process, Path errors) {
    this.process = process;
    this.errors = errors;
  }

  static HarnessProcess begin(String workloadApi, Path home) throws IOException {
    Path errors = Files.createTempFile(home, "harness", ".log");
    ProcessBuilder command =
        new ProcessBuilder(
                CommandJvm.command(
                    List.of("-XX:TieredStopAtLevel=1"), Meshward.class, List.of("spiffe-harness")))
            .redirectError(errors.toFile());
    String path = String.valueOf(System.getenv("PATH"));
    command.environment().clear();
    command
        .environment()
        .putAll(
            Map.of("PATH", path, "HOME", home.toString(), "SPIFFE_ENDPOINT_SOCKET", workloadApi));
    HarnessProcess harness = new HarnessProcess(command.start(), errors);
    Thread.ofVirtual().start(harness::read);
    return harness;
  }

  private void read() {
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
        if (line.equals("READY")) {
          ready.complete(true);
        }
      }
    } catch (IOException e) {
      // The process is gone.
    }
    ready.complete(false);
  }

  void awaitReady() throws Exception {
    try {
      assertThat(ready.get(DEADLINE_S, TimeUnit.SECONDS)).as("ready before its end").isTrue();
    } catch (AssertionError | TimeoutException e) {
      throw new AssertionError("not ready: " + lines + " " + errors(), e);
    }
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).isEqualTo("SPIFFE_HARNESS_VERSION=1");
    assertThat(lines.get(1)).matches("SPIFFE_X509_PORT=\\d+");
    assertThat(lines.get(2)).matches("SPIFFE_CONTROL_PORT=\\d+");
  }

  boolean isReady() {
    return lines.contains("READY");
  }

  String errors() throws IOException {
    return Files.readString(errors);
  }

  int x509Port() {
    return port(1);
  }

  private int port(int line) {
    String text = lines.get(line);
    return Integer.parseInt(text.substring(text.indexOf('=') + 1));
  }

  /** What the X.509 port says to a client before it closes; nothing if it refuses. */
  String connect(SSLContext client) throws IOException {
    try (Socket open = new Socket(InetAddress.getLoopbackAddress(), x509Port());
        SSLSocket tls = TlsPeer.over(client, open)) {
      return new String(tls.getInputStream().readAllBytes(), UTF_8);
    } catch (javax.net.ssl.SSLException | java.net.SocketException e) {
      return "";
    }
  }

  boolean accepts(IssuedSvid svid) throws IOException {
    return connect(ForeignTls.context(svid)).equals(svid.id() + "\n");
  }

  /** The ID that the X.509 port shows; nothing if it shows none. */
  String serverId(SSLContext client) throws IOException {
    try (Socket open = new Socket(InetAddress.getLoopbackAddress(), x509Port());
        SSLSocket tls = TlsPeer.over(client, open)) {
      tls.startHandshake();
      X509Certificate leaf = (X509Certificate) tls.getSession().getPeerCertificates()[0];
      return leaf.getSubjectAlternativeNames().stream()
          .filter(name -> Integer.valueOf(6).equals(name.get(0)))
          .map(name -> (String) name.get(1))
          .findFirst()
          .orElse("");
    } catch (javax.net.ssl.SSLException | java.net.SocketException e) {
      return "";
    } catch (CertificateParsingException e) {
      throw new IOException(e);
    }
  }

  Answer get(String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(uri(path)).build());
  }

  Answer post(String path, String body) throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(uri(path)).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  Answer validate(String token, String audience) throws IOException, InterruptedException {
    return post(
        "/v1/jwt/validate",
        new String(EventCodec.encodeValue(Map.of("token", token, "audience", audience)), UTF_8));
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port(2) + path);
  }

  private Answer send(HttpRequest request) throws IOException, InterruptedException {
    var response = http.send(request, BodyHandlers.ofByteArray());
    return new Answer(response.statusCode(), EventCodec.readTree(response.body()));
  }

  /** Sends SIGTERM. */
  void terminate() {
    process.destroy();
  }

  int awaitExit() throws InterruptedException, IOException {
    assertThat(process.waitFor(DEADLINE_S, TimeUnit.SECONDS))
        .as("ended within %s s: %s %s", DEADLINE_S, lines, errors())
        .isTrue();
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
    http.close();
  }
}
