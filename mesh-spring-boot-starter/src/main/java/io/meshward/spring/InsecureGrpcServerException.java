package io.meshward.spring;

import java.util.List;

/** A way into the application that the mesh does not guard: it does not start. */
public final class InsecureGrpcServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> found;

  InsecureGrpcServerException(List<String> found) {
    super("gRPC would be served outside of the mesh, without mutual TLS and policy, by " + found);
    this.found = List.copyOf(found);
  }

  /** The beans or classes that would serve. */
  List<String> found() {
    return found;
  }
}
