package io.meshward.spring;

import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.RuntimeStatus;
import java.util.Optional;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Out of service as long as the runtime neither serves nor dials, with the reason; up otherwise.
 * What is wrong and does not end the service is among the details. Thread-safe.
 */
final class MeshHealthIndicator implements HealthIndicator {
  private final MeshRuntime runtime;

  MeshHealthIndicator(MeshRuntime runtime) {
    this.runtime = runtime;
  }

  @Override
  public Health health() {
    RuntimeStatus status = runtime.status();
    Optional<String> closed = status.closedBecause();
    Health.Builder health = closed.isEmpty() ? Health.up() : Health.outOfService();
    closed.ifPresent(reason -> health.withDetail("reason", reason));
    if (status.policyProblem() != null) {
      health.withDetail("policyProblem", status.policyProblem());
    }
    return health
        .withDetail("identity", status.identity().getClass().getSimpleName())
        .withDetail("policy", status.policy())
        .withDetail("holds", status.holds())
        .withDetail("connections", status.connections())
        .withDetail("dropped", status.dropped())
        .build();
  }
}
