package io.meshward.runtime;

import java.util.List;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * How a peer speaks TLS.
 *
 * @param alpn what it asks for, or what it answers whatever was asked for
 * @param groups of the key exchange; empty for the JDK's own
 */
record Speech(String protocol, List<String> alpn, List<String> groups) {
  static final Speech USUAL = new Speech("TLSv1.3", List.of("h2"), List.of());

  Speech withProtocol(String only) {
    return new Speech(only, alpn, groups);
  }

  Speech withAlpn(String... only) {
    return new Speech(protocol, List.of(only), groups);
  }

  Speech withGroups(String... only) {
    return new Speech(protocol, alpn, List.of(only));
  }

  void applyTo(SSLSocket socket) {
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setProtocols(new String[] {protocol});
    if (!groups.isEmpty()) {
      parameters.setNamedGroups(groups.toArray(String[]::new));
    }
    if (socket.getUseClientMode()) {
      parameters.setApplicationProtocols(alpn.toArray(String[]::new));
    }
    socket.setSSLParameters(parameters);
    if (!socket.getUseClientMode() && !alpn.isEmpty()) {
      socket.setHandshakeApplicationProtocolSelector((any, asked) -> alpn.get(0));
    }
  }
}
