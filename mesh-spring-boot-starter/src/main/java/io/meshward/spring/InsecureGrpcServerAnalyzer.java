package io.meshward.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do about a server outside of the mesh. */
final class InsecureGrpcServerAnalyzer
    extends AbstractFailureAnalyzer<InsecureGrpcServerException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, InsecureGrpcServerException cause) {
    return new FailureAnalysis(
        String.valueOf(cause.getMessage()),
        "Remove "
            + String.join(", ", cause.found())
            + ": the starter makes the one server of the application. In-process servers are fine.",
        cause);
  }
}
