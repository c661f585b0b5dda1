package io.meshward.runtime;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The Unix socket of the Workload API (SPIFFE Workload Endpoint 4).
 *
 * @param socket an absolute path
 */
record WorkloadApiEndpoint(Path socket) {
  static final String VARIABLE = "SPIFFE_ENDPOINT_SOCKET";

  /**
   * Reads {@code unix:/path} or {@code unix:///path}.
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
            + "': expected unix:/absolute/path";
    try {
      URI uri = new URI(text);
      String path = uri.getPath();
      boolean bare =
          "unix".equals(uri.getScheme())
              && uri.getAuthority() == null
              && uri.getQuery() == null
              && uri.getFragment() == null;
      if (!bare || path == null || !path.startsWith("/") || path.length() < 2) {
        throw new IllegalArgumentException(expected);
      }
      return new WorkloadApiEndpoint(Path.of(path));
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(expected, e);
    }
  }

  @Override
  public String toString() {
    return "unix:" + socket;
  }
}
