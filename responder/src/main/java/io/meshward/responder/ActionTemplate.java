package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.rules.OutputFormat;
import io.meshward.schemas.Detection;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An action of a playbook's step, with parameters that a detection makes definite. */
sealed interface ActionTemplate {
  /** The action's name. */
  String action();

  /** The parameters for a detection; empty if it does not say whom it is about. */
  Optional<ObjectNode> resolve(PlaybookFields fields);

  /** What tells one version of a playbook from another. */
  default String text() {
    return toString();
  }

  /**
   * {@code identity.quarantine}.
   *
   * @param trustDomain the whole trust domain instead of the identity
   * @param issuedBefore refuses only SVIDs that were issued before the detection
   * @param untilExpiry ends when no SVID that was issued before the detection can be valid
   * @param ttl ends after this time, or where {@code untilExpiry} cannot be known
   */
  record Quarantine(
      boolean trustDomain, boolean issuedBefore, boolean untilExpiry, @Nullable Duration ttl)
      implements ActionTemplate {
    @Override
    public String action() {
      return Holds.NAME;
    }

    @Override
    public Optional<ObjectNode> resolve(PlaybookFields fields) {
      SpiffeId identity = fields.target().spiffeId();
      if (identity == null) {
        return Optional.empty();
      }
      Subject subject =
          trustDomain
              ? new Subject(
                  Subject.Kind.TRUST_DOMAIN,
                  identity.trustDomain(),
                  identity.trustDomain().toString())
              : Subject.of(identity);
      Detection detection = fields.detection();
      Instant cut = nextSecond(detection.detection().time());
      Instant expiry = untilExpiry ? expiry(detection.svid(), cut) : null;
      ObjectNode parameters =
          Holds.parameters(subject, issuedBefore && !trustDomain ? cut : null, expiry);
      if (expiry == null && ttl != null) {
        parameters.put("ttl_ms", ttl.toMillis());
      }
      return Optional.of(parameters);
    }

    /** Certificates have seconds: one issued within the detection's second is refused, too. */
    private static Instant nextSecond(Instant time) {
      Instant second = time.truncatedTo(ChronoUnit.SECONDS);
      return second.equals(time) ? second : second.plusSeconds(1);
    }

    /**
     * When the last SVID that could have been issued before the cut has expired. Others may have
     * been stolen with the one that was seen, so its own expiry is not enough.
     */
    private static @Nullable Instant expiry(Detection.@Nullable SvidRef svid, Instant cut) {
      return svid == null || svid.notAfter() == null
          ? null
          : cut.plus(Duration.between(svid.notBefore(), svid.notAfter()));
    }
  }

  /** {@code workload.scale}. */
  record Scale(int replicas) implements ActionTemplate {
    @Override
    public String action() {
      return ScaleAction.NAME;
    }

    @Override
    public Optional<ObjectNode> resolve(PlaybookFields fields) {
      return Optional.of(EventCodec.object().put("replicas", replicas));
    }
  }

  /** {@code pod.isolate}. */
  record Isolate() implements ActionTemplate {
    @Override
    public String action() {
      return IsolateAction.NAME;
    }

    @Override
    public Optional<ObjectNode> resolve(PlaybookFields fields) {
      return Optional.of(EventCodec.object());
    }
  }

  /**
   * {@code notify}.
   *
   * @param webhook to the webhook, beside the log
   * @param output what it says
   */
  record Notify(boolean webhook, OutputFormat output) implements ActionTemplate {
    @Override
    public String action() {
      return ActionName.NOTIFY;
    }

    @Override
    public Optional<ObjectNode> resolve(PlaybookFields fields) {
      return Optional.of(
          EventCodec.object()
              .put("to", webhook ? "webhook" : "log")
              .put("text", output.render(fields)));
    }

    @Override
    public String text() {
      return "Notify " + webhook + " " + output.text();
    }
  }
}
