package io.meshward.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** Posts alerts as Falco's {@code http_output} does, over HTTP/1.1. Thread-safe. */
final class Sensor implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final URI ingest;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  Sensor(URI ingest) {
    this.ingest = ingest;
  }

  /** A shell spoke to the Workload API's socket: one is enough. */
  void illegalAccess(String namespace, String pod, Instant time) throws Exception {
    post(
        "Unexpected Workload API Socket Access",
        namespace,
        pod,
        time,
        Map.of(
            "proc.name", "bash",
            "proc.cmdline", "bash -c cat </dev/tcp/…",
            "fd.name", "/run/spire/sockets/agent.sock"));
  }

  /** A tool asked for an SVID: three within a minute are a burst. */
  void svidRequest(String namespace, String pod, Instant time) throws Exception {
    post(
        "SVID Requested By Tool",
        namespace,
        pod,
        time,
        Map.of(
            "proc.name", "spire-agent",
            "proc.cmdline", "spire-agent api fetch x509",
            "fd.name", "/run/spire/sockets/agent.sock"));
  }

  /** Something that no rule of ours wants. */
  void somethingElse(String namespace, String pod, Instant time) throws Exception {
    post(
        "Read sensitive file untrusted",
        namespace,
        pod,
        time,
        Map.of(
            "proc.name", "cat",
            "proc.cmdline", "cat /etc/shadow",
            "fd.name", "/etc/shadow"));
  }

  private void post(
      String rule, String namespace, String pod, Instant time, Map<String, String> fields)
      throws IOException, InterruptedException {
    ObjectNode alert = MAPPER.createObjectNode();
    alert.put("hostname", "node-1");
    alert.put("output", time + ": Warning " + rule + " (pod=" + pod + ")");
    alert.put("priority", "Warning");
    alert.put("rule", rule);
    alert.put("source", "syscall");
    alert.put("time", time.toString());
    alert.withArray("tags").add("spiffe");
    ObjectNode output = alert.putObject("output_fields");
    output.put("evt.time", time.getEpochSecond() * 1_000_000_000L + time.getNano());
    output.put("evt.hostname", "node-1");
    output.put("container.id", "badc0de00001");
    output.put("k8s.ns.name", namespace);
    output.put("k8s.pod.name", pod);
    fields.forEach(output::put);
    HttpResponse<Void> answer =
        http.send(
            HttpRequest.newBuilder(ingest)
                .timeout(Duration.ofSeconds(10))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(MAPPER.writeValueAsBytes(alert)))
                .build(),
            HttpResponse.BodyHandlers.discarding());
    if (answer.statusCode() != 200) {
      throw new IOException("ingest answered " + answer.statusCode());
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
