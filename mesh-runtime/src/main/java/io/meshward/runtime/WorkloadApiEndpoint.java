package io.meshward.runtime;

import io.grpc.netty.shaded.io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where the Workload API listens (SPIFFE Workload Endpoint 4). */
sealed interface WorkloadApiEndpoint {
  String VARIABLE = "SPIFFE_ENDPOINT_SOCKET";

  /** A Unix socket with an absolute path. */
  record UnixSocket(Path path) implements WorkloadApiEndpoint {
    @Override
    public String toString() {
      return "unix:" + path;
    }
  }

  /** A TCP port of an IP address; never of a host name. */
  record Tcp(InetSocketAddress address) implements WorkloadApiEndpoint {
    @Override
    public String toString() {
      return "tcp://" + NetUtil.toSocketAddressString(address);
    }
  }

  /**
   * Reads {@code unix:/path}, {@code unix:///path} or {@code tcp://ip:port}; in the scheme case
   * does not matter (RFC 3986 3.1).
   *
   * @param configured what the caller asked for; absent means the environment variable
   * @throws IllegalArgumentException naming the text and what was expected
   */
  static WorkloadApiEndpoint parse(@Nullable String configured, Map<String, String> environment) {
    String text = configured != null ? configured : environment.get(VARIABLE);
    if (text == null || text.isBlank()) {
      throw new IllegalArgumentException(
          "no Workload API is configured: call workloadApi(\"unix:/path\") or set " + VARIABLE);
    }
    String expected =
        (configured != null ? "the Workload API address" : VARIABLE)
            + " is '"
            + text
            + "': expected unix:/absolute/path or tcp://ip:port";
    try {
      URI uri = new URI(text);
      WorkloadApiEndpoint endpoint =
          uri.getQuery() != null || uri.getFragment() != null || uri.getUserInfo() != null
              ? null
              : "unix".equalsIgnoreCase(uri.getScheme())
                  ? unixSocket(uri)
                  : "tcp".equalsIgnoreCase(uri.getScheme()) ? tcp(uri) : null;
      if (endpoint == null) {
        throw new IllegalArgumentException(expected);
      }
      return endpoint;
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(expected, e);
    }
  }

  private static @Nullable WorkloadApiEndpoint unixSocket(URI uri) {
    String path = uri.getPath();
    return uri.getAuthority() != null || path == null || !path.startsWith("/") || path.length() < 2
        ? null
        : new UnixSocket(Path.of(path));
  }

  private static @Nullable WorkloadApiEndpoint tcp(URI uri) {
    InetAddress address =
        uri.getHost() == null ? null : NetUtil.createInetAddressFromIpAddressString(uri.getHost());
    return address == null || uri.getPort() < 1 || uri.getPort() > 65535 || !uri.getPath().isEmpty()
        ? null
        : new Tcp(new InetSocketAddress(address, uri.getPort()));
  }
}
