package io.meshward.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what to do about a server outside of the mesh. */
final class InsecureGrpcServerAnalyzer
    extends AbstractFailureAnalyzer<InsecureGrpcServerException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, InsecureGrpcServerException cause) {
    return new FailureAnalysis(cause.description(), cause.action(), cause);
  }
}
