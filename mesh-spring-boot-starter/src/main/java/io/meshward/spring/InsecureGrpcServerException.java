package io.meshward.spring;

import java.util.List;
import java.util.stream.Collectors;

/** A way into the application that the mesh does not guard: it does not start. */
public final class InsecureGrpcServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<InsecureServer> found;

  InsecureGrpcServerException(List<InsecureServer> found) {
    super(described(found) + ": " + remedies(found, "; "));
    this.found = List.copyOf(found);
  }

  /** What is wrong. */
  String description() {
    return described(found);
  }

  /** What to do about it, a line for each. */
  String action() {
    return remedies(found, System.lineSeparator());
  }

  private static String described(List<InsecureServer> found) {
    return "gRPC would be served outside of the mesh, without mutual TLS and policy, by "
        + found.stream().map(InsecureServer::what).collect(Collectors.joining(", "));
  }

  private static String remedies(List<InsecureServer> found, String separator) {
    return found.stream().map(InsecureServer::remedy).collect(Collectors.joining(separator));
  }
}
