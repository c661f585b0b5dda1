package io.meshward.cli;

import io.meshward.schemas.Detection;
import io.meshward.schemas.Enforcement;
import io.meshward.schemas.Event;
import io.meshward.schemas.LocalWorkload;
import io.meshward.schemas.Quarantine;
import io.meshward.schemas.Response;
import io.meshward.schemas.Subject;
import io.meshward.schemas.SvidLifecycle;
import io.meshward.schemas.Target;
import io.meshward.schemas.TlsHandshake;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Puts what the pipeline's parts wrote on their topics into words. Thread-safe. */
final class Narrator implements Consumer<PipelineRecords.Observed<?>> {
  private final Timeline timeline;

  Narrator(Timeline timeline) {
    this.timeline = timeline;
  }

  @Override
  public void accept(PipelineRecords.Observed<?> observed) {
    Event event = observed.event();
    switch (event) {
      case Detection detection ->
          timeline.tell(
              detection.detection().detectedAt(),
              "detect",
              "'"
                  + detection.detection().rule()
                  + "'"
                  + window(detection)
                  + " about "
                  + name(detection.target()));
      case Response response -> response(response);
      case Quarantine quarantine ->
          timeline.tell(
              quarantine.hold().placedAt(), "respond", "quarantine of " + subject(quarantine));
      case Enforcement enforcement ->
          timeline.tell(
              enforcement.enforcement().at(),
              who(enforcement.local()),
              switch (enforcement.enforcement().outcome()) {
                case APPLIED ->
                    "refuses "
                        + shortName(enforcement.subject())
                        + cut(enforcement.enforcement().connectionsCut());
                case RELEASED -> "serves " + shortName(enforcement.subject()) + " again";
                case REFUSED_PROTECTED ->
                    "does not refuse " + shortName(enforcement.subject()) + ": it is protected";
              });
      case SvidLifecycle lifecycle -> lifecycle(observed, lifecycle);
      case TlsHandshake handshake -> handshake(observed, handshake);
      default -> {}
    }
  }

  private void response(Response response) {
    Response.StepChange step = response.step();
    timeline.tell(
        response.response().at(),
        "respond",
        step == null
            ? response.playbook().name()
                + ": "
                + word(response.response().to())
                + Optional.ofNullable(response.response().reason())
                    .map(reason -> " (" + reason + ")")
                    .orElse("")
            : step.action()
                + " "
                + word(step.state())
                + Optional.ofNullable(step.detail()).map(detail -> ": " + detail).orElse(""));
  }

  private void lifecycle(PipelineRecords.Observed<?> observed, SvidLifecycle lifecycle) {
    if (lifecycle.svid().change() == SvidLifecycle.Change.ROTATED) {
      timeline.tell(observed.envelope().time(), who(lifecycle.local()), "has a rotated SVID");
    }
  }

  private void handshake(PipelineRecords.Observed<?> observed, TlsHandshake handshake) {
    if (Thief.ADDRESS.equals(handshake.peer().ip())) {
      timeline.tell(
          observed.envelope().time(),
          who(handshake.local()),
          handshake.tls().result() == TlsHandshake.Result.SUCCESS
              ? "accepts " + Thief.ADDRESS + " as " + handshake.peer().id()
              : "refuses " + Thief.ADDRESS + ": " + handshake.tls().detail());
    }
  }

  private static String window(Detection detection) {
    Detection.Window window = detection.window();
    return window == null
        ? ""
        : ", "
            + window.count()
            + " in "
            + Duration.between(window.from(), window.to()).toMillis()
            + " ms,";
  }

  private static String cut(int connections) {
    return connections == 0
        ? ""
        : ", " + connections + (connections == 1 ? " connection cut" : " connections cut");
  }

  private static String subject(Quarantine quarantine) {
    return quarantine.subject().value()
        + Optional.ofNullable(quarantine.hold().issuedBefore())
            .map(instant -> " issued before " + instant)
            .orElse("");
  }

  private static String shortName(Subject subject) {
    return subject.value().substring(subject.value().lastIndexOf('/') + 1);
  }

  static String name(Target target) {
    return Optional.ofNullable(target.owner())
        .map(owner -> owner.kind() + " " + owner.name())
        .orElseGet(
            () ->
                Optional.ofNullable(target.pod())
                    .map(pod -> "pod " + pod)
                    .orElseGet(
                        () ->
                            Optional.ofNullable(target.spiffeId())
                                .map(Object::toString)
                                .orElse("?")));
  }

  private static String who(LocalWorkload local) {
    return Optional.ofNullable(local.id())
        .map(id -> id.path().substring(id.path().lastIndexOf('/') + 1))
        .orElse("a peer");
  }

  private static String word(@Nullable Enum<?> value) {
    return value == null ? "" : value.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
  }
}
