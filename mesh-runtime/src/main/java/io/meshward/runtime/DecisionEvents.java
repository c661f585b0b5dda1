package io.meshward.runtime;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.AuthzDecision.Authz;
import io.meshward.schemas.AuthzDecision.Decision;
import io.meshward.schemas.Connection;
import io.meshward.schemas.Peer;
import io.opentelemetry.api.trace.Span;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reports decisions about calls. */
final class DecisionEvents {
  static final int LONGEST_METHOD = 256;

  private final EventReporter reporter;
  private final Admission admission;
  private final AllowSampler sampler;
  private final @Nullable MeshTelemetry telemetry;

  DecisionEvents(
      EventReporter reporter,
      Admission admission,
      AllowSampler sampler,
      @Nullable MeshTelemetry telemetry) {
    this.reporter = reporter;
    this.admission = admission;
    this.sampler = sampler;
    this.telemetry = telemetry;
  }

  /**
   * The call that was decided about.
   *
   * @param claims the metadata keys that claimed an identity which TLS does not confirm
   * @param begin when the decision began, by {@code nanoTime}
   * @param span the call's span, if there is one
   */
  record Subject(
      MethodDescriptor<?, ?> method,
      Metadata headers,
      @Nullable TrackedConnection connection,
      @Nullable ConnectionFacts facts,
      List<String> claims,
      long begin,
      @Nullable Span span) {}

  /**
   * Reports a decision.
   *
   * @param evidence what the call carried to prove identities
   * @param refusal the status it was refused with, if it was
   * @param scores the risk scores that it was decided by
   */
  void report(
      Subject subject,
      CallEvidence evidence,
      Ruling ruling,
      @Nullable Status refusal,
      RiskSource scores) {
    long latencyNanos = System.nanoTime() - subject.begin();
    if (telemetry != null) {
      telemetry.decided(subject, ruling, latencyNanos);
    }
    if (isPlain(subject, evidence, ruling)
        && subject.facts() != null
        && !sampler.lets(subject.facts().id(), subject.method().getFullMethodName())) {
      return;
    }
    TrackedConnection connection = subject.connection();
    ConnectionFacts facts = subject.facts();
    AuthorizationPolicy.Decision shadow = ruling.shadow();
    Instant now = admission.now();
    reporter.decision(
        now,
        new AuthzDecision(
            new Authz(
                decision(ruling.allowed()),
                true,
                shadow == null ? null : decision(shadow.allowed()),
                ruling.engine(),
                ruling.policyId(),
                ruling.policyRevision(),
                ruling.ruleId(),
                ruling.reason(),
                latencyNanos / 1000,
                refusal == null ? null : refusal.getCode().name(),
                ruling.decisionId(),
                ruling.shadowPolicyId(),
                shadow == null ? null : shadow.ruleId(),
                PeerRisk.known(scores)),
            new AuthzDecision.Rpc(
                named(subject.method()), UnknownMethods.isKnown(subject.method())),
            reporter.local(),
            new Connection(connection == null ? "untracked" : connection.id()),
            facts == null ? stranger(connection) : facts.told(),
            facts == null ? null : facts.certificate(now),
            TraceContext.of(subject.headers()),
            evidence.onBehalfOf().isEmpty()
                ? null
                : new AuthzDecision.Delegation(evidence.onBehalfOf()),
            evidence.facts(),
            subject.claims().isEmpty() ? null : new AuthzDecision.Metadata(subject.claims())));
  }

  private static Peer stranger(@Nullable TrackedConnection connection) {
    return new Peer(
        connection == null ? null : connection.ip(),
        connection == null ? null : connection.port(),
        null,
        null,
        null,
        null,
        null);
  }

  /**
   * The method as events and spans say it: callers can make up names as long as metadata may be.
   */
  static String named(MethodDescriptor<?, ?> method) {
    String path = "/" + method.getFullMethodName();
    return path.length() <= LONGEST_METHOD ? path : path.substring(0, LONGEST_METHOD);
  }

  /** Whether a decision says no more than that a call was allowed: only those are sampled. */
  private static boolean isPlain(Subject subject, CallEvidence evidence, Ruling ruling) {
    AuthorizationPolicy.Decision shadow = ruling.shadow();
    return ruling.allowed()
        && (shadow == null || shadow.allowed())
        && evidence.facts() == null
        && evidence.onBehalfOf().isEmpty()
        && subject.claims().isEmpty()
        && UnknownMethods.isKnown(subject.method());
  }

  private static Decision decision(boolean allowed) {
    return allowed ? Decision.ALLOW : Decision.DENY;
  }
}
