package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The server's checks of a NetworkPolicy's specification. */
final class NetworkPolicyValidation {

  private static final Pattern PORT_NAME = Pattern.compile("[-a-z0-9]*[a-z][-a-z0-9]*");
  private static final List<String> PROTOCOLS = List.of("TCP", "UDP", "SCTP");
  private static final List<String> POLICY_TYPES = List.of("Ingress", "Egress");

  private final FieldErrors errors;

  NetworkPolicyValidation(FieldErrors errors) {
    this.errors = errors;
  }

  void check(JsonNode spec) {
    errors.labelSelector(spec.path("podSelector"), "spec.podSelector");
    rules(spec.path("ingress"), "spec.ingress", "from");
    rules(spec.path("egress"), "spec.egress", "to");
    JsonNode types = spec.path("policyTypes");
    if (types.size() > POLICY_TYPES.size()) {
      errors.invalid(
          "spec.policyTypes", types.toString(), "may not specify more than two policyTypes");
      return;
    }
    for (int i = 0; i < types.size(); i++) {
      if (!POLICY_TYPES.contains(types.get(i).asText())) {
        errors.unsupported("spec.policyTypes[" + i + "]", types.get(i).asText(), POLICY_TYPES);
      }
    }
  }

  private void rules(JsonNode rules, String path, String side) {
    for (int rule = 0; rule < rules.size(); rule++) {
      String at = path + "[" + rule + "]";
      JsonNode ports = rules.get(rule).path("ports");
      for (int i = 0; i < ports.size(); i++) {
        port(ports.get(i), at + ".ports[" + i + "]");
      }
      JsonNode peers = rules.get(rule).path(side);
      for (int i = 0; i < peers.size(); i++) {
        peer(peers.get(i), at + "." + side + "[" + i + "]");
      }
    }
  }

  private void port(JsonNode port, String path) {
    String protocol = port.path("protocol").asText();
    if (!PROTOCOLS.contains(protocol)) {
      errors.unsupported(path + ".protocol", protocol, PROTOCOLS);
    }
    JsonNode number = port.path("port");
    if (number.isIntegralNumber()) {
      errors.portNumber(number.asLong(), path + ".port");
      if (port.has("endPort") && port.get("endPort").asLong() < number.asLong()) {
        errors.invalid(
            path + ".endPort", number.toString(), "must be greater than or equal to `port`");
      }
    } else if (number.isTextual() && !PORT_NAME.matcher(number.asText()).matches()) {
      errors.invalidText(
          path + ".port",
          number.asText(),
          "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
  }

  private void peer(JsonNode peer, String path) {
    if (peer.isEmpty()) {
      errors.required(path, "must specify a peer");
    }
    for (String selector : List.of("podSelector", "namespaceSelector")) {
      if (peer.has(selector)) {
        errors.labelSelector(peer.get(selector), path + "." + selector);
      }
    }
    if (peer.has("ipBlock")) {
      if (peer.size() > 1) {
        errors.forbidden(path, "may not specify both ipBlock and another peer");
      }
      block(peer.get("ipBlock"), path + ".ipBlock");
    }
  }

  private void block(JsonNode block, String path) {
    String cidr = block.path("cidr").asText();
    if (cidr.isEmpty()) {
      errors.required(path + ".cidr", "");
      return;
    }
    Optional<AddressRange> range = range(cidr, path + ".cidr");
    JsonNode except = block.path("except");
    for (int i = 0; i < except.size(); i++) {
      String at = path + ".except[" + i + "]";
      Optional<AddressRange> hole = range(except.get(i).asText(), at);
      if (range.isPresent() && hole.isPresent() && !range.get().strictlyContains(hole.get())) {
        errors.invalidText(at, except.get(i).asText(), "must be a strict subset of `cidr`");
      }
    }
  }

  private Optional<AddressRange> range(String text, String path) {
    Optional<AddressRange> range = AddressRange.parse(text);
    if (range.isEmpty()) {
      errors.invalidText(
          path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    }
    return range;
  }
}
