package io.meshward.responder;

import com.nimbusds.jose.JWSObject;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.schemas.Approval;
import io.meshward.schemas.Approval.Statement;
import io.meshward.schemas.Containment;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a person's statement counts: signed by a listed key, about this very containment and
 * plan, in its time, and for the first time. Immutable.
 */
final class ApprovalCheck {
  /** No statement counts for longer than this. */
  static final Duration LONGEST = Duration.ofHours(1);

  private static final Duration SKEW = Duration.ofMinutes(1);
  private static final Logger log = LoggerFactory.getLogger(ApprovalCheck.class);

  private final ApproverKeys keys;
  private final boolean allowUnsigned;
  private final Metrics metrics;

  /**
   * A check.
   *
   * @param allowUnsigned takes anybody's word where there is no signature: for demonstrations
   */
  ApprovalCheck(ApproverKeys keys, boolean allowUnsigned, Metrics metrics) {
    this.metrics = metrics;
    this.keys = keys;
    this.allowUnsigned = allowUnsigned;
    if (allowUnsigned) {
      log.atWarn()
          .log(
              "UNSIGNED APPROVALS ARE ALLOWED: anybody who can write the approvals topic can"
                  + " approve and release; never do this outside a demonstration");
    }
  }

  /** Why a statement does not count; empty if it does. */
  Optional<String> objection(Approval approval, Containment containment, Instant now) {
    Statement statement = approval.approval();
    return signature(approval)
        .or(() -> time(statement, now))
        .or(() -> subject(statement, containment));
  }

  private Optional<String> signature(Approval approval) {
    if (approval.jws() == null) {
      return allowUnsigned ? Optional.empty() : Optional.of("it is not signed");
    }
    JWSObject signed;
    try {
      signed = JWSObject.parse(approval.jws());
    } catch (ParseException e) {
      return Optional.of("its signature is no compact JWS");
    }
    Optional<String> objection = keys.objection(signed, approval.approval().actor());
    if (objection.isPresent()) {
      return objection;
    }
    try {
      Statement said = EventCodec.decodeValue(signed.getPayload().toBytes(), Statement.class);
      return said.equals(approval.approval())
          ? Optional.empty()
          : Optional.of("what is signed is not what is said");
    } catch (MalformedEventException e) {
      return Optional.of("what is signed is no statement");
    }
  }

  private static Optional<String> time(Statement statement, Instant now) {
    if (statement.at().isAfter(now.plus(SKEW))) {
      return Optional.of("it is from the future: " + statement.at());
    }
    if (!now.isBefore(statement.expiresAt())) {
      return Optional.of("it expired at " + statement.expiresAt());
    }
    return statement.expiresAt().isAfter(statement.at().plus(LONGEST))
        ? Optional.of("it would count for longer than " + LONGEST.toMinutes() + " minutes")
        : Optional.empty();
  }

  private static Optional<String> subject(Statement statement, Containment containment) {
    if (!statement.containment().equals(containment.containment().id())) {
      return Optional.of("it is about containment " + statement.containment());
    }
    if (containment.approvals().contains(statement.id())) {
      return Optional.of("it was counted already");
    }
    String digest = statement.planDigest();
    return digest != null && !digest.equals(containment.containment().planDigest())
        ? Optional.of("it is about another plan: " + digest)
        : Optional.empty();
  }

  /** Says that a statement does not count. */
  void ignored(Statement statement, String why) {
    metrics.increment(Metric.RESPONDER_STATEMENTS_REFUSED);
    log.atWarn()
        .addKeyValue("containment", statement.containment())
        .addKeyValue("decision", statement.decision())
        .addKeyValue("actor", statement.actor())
        .addKeyValue("reason", why)
        .log("a statement about a containment does not count");
  }
}
