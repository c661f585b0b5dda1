package io.meshward.chaos;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/**
 * An alert as Falco posts it.
 *
 * @param number tells it from all others; it stands in the output fields
 */
record Alert(long number, String json) {
  /** The output field that holds the number. */
  static final String NUMBER = "evt.num";

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String SOCKET = "/run/spire/sockets/agent.sock";

  /** A tool asks for an SVID: three such within a minute are a burst. */
  static Alert svidRequest(long number, Instant time, String pod) {
    return alert(
        number, time, pod, "SVID Requested By Tool", "spire-agent", "spire-agent api fetch x509");
  }

  /** A shell opens the socket: one is enough. */
  static Alert illegalAccess(long number, Instant time, String pod) {
    return alert(number, time, pod, "Unexpected Socket Access", "bash", "bash -i");
  }

  /** Something that no rule of ours matches. */
  static Alert ordinary(long number, Instant time, String pod) {
    return alert(number, time, pod, "Workload Reads Its SVID", "shop", "/bin/shop");
  }

  private static Alert alert(
      long number, Instant time, String pod, String rule, String program, String command) {
    ObjectNode alert = MAPPER.createObjectNode();
    alert.put("hostname", "node-1");
    alert.put("output", rule + " (pod=" + pod + ")");
    alert.put("priority", "Warning");
    alert.put("rule", rule);
    alert.put("source", "syscall");
    alert.put("time", time.toString());
    alert
        .putObject("output_fields")
        .put("evt.time", time.getEpochSecond() * 1_000_000_000L + time.getNano())
        .put(NUMBER, number)
        .put("k8s.ns.name", Cluster.NAMESPACE)
        .put("k8s.pod.name", pod)
        .put("proc.name", program)
        .put("proc.cmdline", command)
        .put("fd.name", SOCKET);
    return new Alert(number, alert.toString());
  }
}
