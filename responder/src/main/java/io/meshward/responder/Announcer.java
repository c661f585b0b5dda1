package io.meshward.responder;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.schemas.ContainmentState;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Response;
import io.meshward.schemas.Target;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says aloud what was committed: in the log, in metrics, and as Kubernetes Events
 * (events.k8s.io/v1) on the objects concerned. Nothing depends on it: what does not fit its bounded
 * queue, or the API does not take, is dropped and counted. Thread-safe.
 */
final class Announcer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Announcer.class);
  private static final int QUEUE = 1000;
  private static final int MAX_NOTE = 1000;

  /** What people read can wait until what contains is written: both go to the same API server. */
  private static final Duration BEHIND = Duration.ofMillis(500);

  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final KubernetesApi api;
  private final Metrics metrics;
  private final String instance;
  private final InstantSource clock;
  private final BlockingQueue<Response> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Thread thread;

  /**
   * Starts it.
   *
   * @param instance what tells this process from others
   */
  Announcer(KubernetesApi api, Metrics metrics, String instance, InstantSource clock) {
    this.clock = clock;
    this.api = api;
    this.metrics = metrics;
    this.instance = instance;
    this.thread = Thread.ofVirtual().name("responder-events").start(this::run);
  }

  /** What a batch changed, now that it is committed. */
  void announce(Batch batch) {
    for (Response response : batch.responses()) {
      Response.Transition transition = response.response();
      if (transition.from() == transition.to()) {
        continue;
      }
      metrics.increment(Metric.RESPONDER_TRANSITIONS, lower(transition.to()));
      log.atInfo()
          .addKeyValue("containment", transition.containment())
          .addKeyValue("playbook", response.playbook().name())
          .addKeyValue("from", transition.from())
          .addKeyValue("to", transition.to())
          .addKeyValue("reason", transition.reason())
          .log("containment moves");
      if (reason(transition.to()) != null && !queue.offer(response)) {
        metrics.increment(Metric.RESPONDER_EVENTS_DROPPED);
      }
    }
  }

  private void run() {
    try {
      while (true) {
        Response response = queue.take();
        Thread.sleep(Duration.between(clock.instant(), response.response().at().plus(BEHIND)));
        tell(response);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void tell(Response response) {
    Target target = response.target();
    if (target.namespace() == null || (target.owner() == null && target.pod() == null)) {
      return;
    }
    ApiResult result =
        api.create(
            "/apis/events.k8s.io/v1/namespaces/"
                + KubernetesApi.segment(target.namespace())
                + "/events",
            event(response, target));
    // One that exists was told before an interruption.
    if (!(result instanceof ApiResult.Ok || result instanceof ApiResult.Conflict)) {
      metrics.increment(Metric.RESPONDER_EVENTS_DROPPED);
      log.atDebug().addKeyValue("problem", result.words()).log("an event is not taken");
    }
  }

  private ObjectNode event(Response response, Target target) {
    Response.Transition transition = response.response();
    ObjectNode event = EventCodec.object();
    event.put("apiVersion", "events.k8s.io/v1").put("kind", "Event");
    event
        .putObject("metadata")
        .put("name", "meshward-" + transition.containment() + "." + transition.sequence())
        .put("namespace", target.namespace());
    event.put("eventTime", MICROS.format(transition.at()));
    event.put("reportingController", "meshward.io/responder");
    event.put("reportingInstance", instance);
    event.put("action", "Contain");
    event.put("reason", reason(transition.to()));
    event.put("type", transition.to() == ContainmentState.RECOVERED ? "Normal" : "Warning");
    String note =
        "playbook "
            + response.playbook().name()
            + ", containment "
            + transition.containment()
            + (transition.reason() == null ? "" : ": " + transition.reason());
    event.put("note", note.length() > MAX_NOTE ? note.substring(0, MAX_NOTE) : note);
    event.set("regarding", regarding(target));
    return event;
  }

  private static ObjectNode regarding(Target target) {
    ObjectNode regarding = EventCodec.object();
    OwnerRef owner = target.owner();
    if (target.pod() != null || owner == null) {
      regarding
          .put("apiVersion", "v1")
          .put("kind", "Pod")
          .put("name", target.pod())
          .put("uid", target.podUid());
    } else {
      regarding
          .put("apiVersion", "apps/v1")
          .put("kind", owner.kind())
          .put("name", owner.name())
          .put("uid", owner.uid());
    }
    return regarding.put("namespace", target.namespace());
  }

  /** The reason of the event that a state is worth; absent if it is worth none. */
  private static @Nullable String reason(ContainmentState state) {
    return switch (state) {
      case EXECUTING -> "ContainmentStarted";
      case AWAITING_APPROVAL -> "ContainmentAwaitsApproval";
      case CONTAINED -> "Contained";
      case PARTIAL -> "ContainedInPart";
      case FAILED -> "ContainmentFailed";
      case RECOVERING -> "ContainmentReleased";
      case RECOVERED -> "Recovered";
      case UNRESOLVED,
          OBSERVED,
          PLANNING,
          PLANNED,
          DRY_RUN,
          SUPPRESSED,
          VERIFYING,
          REJECTED,
          EXPIRED ->
          null;
    };
  }

  private static String lower(ContainmentState state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
