package io.meshward.runtime;

import static java.util.Objects.requireNonNull;

import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.meshward.schemas.SpiffeId;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a runtime is made of, as its builder was told. For one start. */
final class RuntimeParts {
  private static final Logger log = LoggerFactory.getLogger(RuntimeParts.class);

  private final MeshRuntimeBuilder settings;
  private final IdentityPatterns trustedProxies;
  private @Nullable Map<String, Object> kafkaProperties;

  RuntimeParts(MeshRuntimeBuilder settings) {
    this.settings = settings;
    this.kafkaProperties = settings.kafkaProperties;
    this.trustedProxies = IdentityPatterns.parse(settings.trustedProxies);
  }

  /** Counts what the builder was given as open, whatever becomes of the start. */
  static void given(MeshRuntimeBuilder settings, OpenParts open) {
    open.addIfAny(settings.events);
    open.addIfAny(settings.risk);
    open.addIfAny(settings.policySource);
    open.addIfAny(settings.quarantine);
  }

  /**
   * Refuses what is missing or does not go together.
   *
   * @throws IllegalArgumentException saying what
   */
  static void requireComplete(MeshRuntimeBuilder settings) {
    if (settings.kafkaProperties == null && settings.events == null && !settings.withoutEvents) {
      throw new IllegalArgumentException(
          "nothing says where events go: call kafka, events or withoutEvents");
    }
    if (settings.files != null
        && (settings.workloadApi != null || settings.spiffeId != null || settings.hint != null)) {
      throw new IllegalArgumentException(
          "the SVID is to come from files: workloadApi, spiffeId and hint are for the Workload"
              + " API");
    }
    if (settings.kafkaProperties == null
        && settings.quarantine == null
        && !settings.withoutQuarantine) {
      throw new IllegalArgumentException(
          "nothing says where holds come from: call kafka, quarantine or withoutQuarantine");
    }
    if (settings.files != null && settings.jwt != null) {
      throw new IllegalArgumentException(
          "JWT-SVIDs are verified by the Workload API's bundles, and the SVID is to come from"
              + " files");
    }
    boolean published = settings.policyBundle != null || settings.policySource != null;
    if (settings.policyBundle != null && settings.kafkaProperties == null) {
      throw new IllegalArgumentException("a policy bundle comes from Kafka: call kafka as well");
    }
    if (published && (settings.policy != null || settings.shadowPolicy != null)) {
      throw new IllegalArgumentException(
          "the policy comes from a bundle or a source, or from files: expected one of them");
    }
  }

  /** Lets this workload's own Kafka clients use its identity, where they name our plugins. */
  void shareWithKafka(KafkaIdentity identity) {
    if (kafkaProperties != null && KafkaSettings.takesIdentity(kafkaProperties)) {
      kafkaProperties = identity.withIdentity(kafkaProperties);
    }
  }

  @Nullable MeshTelemetry telemetry(OwnIdentity own) {
    return settings.openTelemetry == null
        ? null
        : new MeshTelemetry(settings.openTelemetry, own, settings.clock);
  }

  EventSink sink(OwnIdentity own) {
    if (settings.events != null) {
      return settings.events;
    }
    if (settings.withoutEvents) {
      log.atWarn().log("this workload reports no events");
      return new NoEvents();
    }
    return new KafkaEventSink(
        requireNonNull(kafkaProperties),
        settings.kafkaPrefix,
        new EventSigner(() -> own.usable().map(WorkloadIdentity::svid), settings.clock)::sign);
  }

  QuarantineSource quarantineSource(EventReporter reporter) {
    if (settings.quarantine != null) {
      return settings.quarantine;
    }
    if (settings.withoutQuarantine) {
      log.atWarn()
          .log("this workload honours no quarantine: a stolen SVID is good until it expires");
      return new NoQuarantine();
    }
    return new KafkaQuarantineSource(
        requireNonNull(kafkaProperties), settings.kafkaPrefix, reporter);
  }

  PolicyStore.PolicyFiles policyFiles() {
    return new PolicyStore.PolicyFiles(
        settings.policy, settings.shadowPolicy, settings.roles, settings.services);
  }

  /** What holds without a policy: OPA decides alone if it is asked, else all is refused. */
  AuthorizationPolicy withoutPolicy() {
    return settings.opa != null
            && settings.policy == null
            && settings.policyBundle == null
            && settings.policySource == null
        ? AuthorizationPolicy.LEAVE_ALL
        : AuthorizationPolicy.REFUSE_ALL;
  }

  @Nullable PolicySource policySource(EventReporter reporter) {
    if (settings.policySource != null) {
      return settings.policySource;
    }
    return settings.policyBundle == null
        ? null
        : new KafkaPolicySource(
            requireNonNull(kafkaProperties), settings.kafkaPrefix, reporter, settings.policyBundle);
  }

  RiskSource riskSource(EventReporter reporter) {
    if (settings.risk != null) {
      return settings.risk;
    }
    return kafkaProperties == null
        ? RiskSource.NONE
        : new KafkaRiskSource(kafkaProperties, settings.kafkaPrefix, reporter, settings.clock);
  }

  @Nullable DecisionPoint decisionPoint(Supplier<@Nullable SpiffeId> own, Executor executor) {
    return settings.opa == null
        ? null
        : new OpaDecisionPoint(settings.opa, own, executor, System::nanoTime);
  }

  EvidenceVerifier evidence(
      OwnIdentity own,
      Admission admission,
      Trust trust,
      Lazy<JwtSvids> jwtSvids,
      ExecutorService waitedFor) {
    JwtOptions jwt = settings.jwt;
    CallTokens tokens =
        jwt == null
            ? null
            : new CallTokens(
                jwt,
                jwtSvids,
                settings.jwtLeeway,
                trust,
                settings.clock,
                new TokenUses(jwt.mostUses(), TokenUses.MOST));
    return new EvidenceVerifier(
        tokens,
        new DelegationVerifier(own::id, admission, settings.jwtLeeway, settings.clock),
        new TrustedProxies(trustedProxies, trust, settings.clock),
        waitedFor);
  }

  /** Tells this process from every other one of the workload, also over restarts. */
  String instance() {
    byte[] bytes = new byte[8];
    settings.random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** One whose cancelled tasks are gone at once: each connection has some. */
  static ScheduledExecutorService timer() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, new DefaultThreadFactory("meshward-timer", true));
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    return timer;
  }
}
