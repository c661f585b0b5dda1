package io.meshward.spring;

import io.meshward.runtime.MeshRuntimeException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows why the runtime did not start: its message says what to check. */
final class MeshFailureAnalyzer extends AbstractFailureAnalyzer<MeshRuntimeException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, MeshRuntimeException cause) {
    return new FailureAnalysis(
        "The application is not part of the mesh: " + cause.getMessage(),
        "Check meshward.workload-api, or SPIFFE_ENDPOINT_SOCKET, and what the message names.",
        cause);
  }
}
