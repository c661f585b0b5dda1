package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The server's checks of a Service's specification. */
final class ServiceValidation {

  private static final List<String> TYPES =
      List.of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
  private static final List<String> PROTOCOLS = List.of("SCTP", "TCP", "UDP");

  private final FieldErrors errors;

  ServiceValidation(FieldErrors errors) {
    this.errors = errors;
  }

  void check(JsonNode spec) {
    JsonNode ports = spec.path("ports");
    if (ports.isEmpty() && !spec.path("clusterIP").asText().equals("None")) {
      errors.required("spec.ports", "");
    }
    Set<String> names = new HashSet<>();
    for (int i = 0; i < ports.size(); i++) {
      port(ports.get(i), ports.size(), names, "spec.ports[" + i + "]");
    }
    errors.labels(spec.path("selector"), "spec.selector");
    String type = spec.path("type").asText();
    if (!TYPES.contains(type)) {
      errors.unsupported("spec.type", type, TYPES);
    }
  }

  private void port(JsonNode port, int count, Set<String> names, String path) {
    String name = port.path("name").asText();
    if (count > 1 && name.isEmpty()) {
      errors.required(path + ".name", "");
    } else if (!name.isEmpty()) {
      Names.labelFault(name).ifPresent(why -> errors.invalidText(path + ".name", name, why));
      if (!names.add(name)) {
        errors.duplicate(path + ".name", name);
      }
    }
    errors.portNumber(port.path("port").asLong(), path + ".port");
    String protocol = port.path("protocol").asText();
    if (!PROTOCOLS.contains(protocol)) {
      errors.unsupported(path + ".protocol", protocol, PROTOCOLS);
    }
    JsonNode target = port.path("targetPort");
    if (target.isIntegralNumber()) {
      errors.portNumber(target.asLong(), path + ".targetPort");
    }
  }

  /** The address of a service stays. */
  void checkUpdate(JsonNode before, JsonNode after) {
    if (!before.path("clusterIP").equals(after.path("clusterIP"))) {
      errors.invalid(
          "spec.clusterIPs[0]", after.path("clusterIPs").toString(), "may not change once set");
    }
  }
}
