package io.meshward.responder;

import io.meshward.schemas.Detection;
import io.meshward.schemas.EvidenceRef;
import io.meshward.schemas.Target;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Detections for tests. */
final class Detections {
  private static int count;

  private Detections() {}

  static Detection of(String tag, Target target) {
    return of(tag, target, Instant.now(), null);
  }

  static Detection of(String tag, Target target, Instant time, Detection.@Nullable SvidRef svid) {
    return of(tag, target, time, svid, null);
  }

  /** A detection whose evidence proves so much; absent as of sensors' alerts. */
  static Detection of(
      String tag,
      Target target,
      Instant time,
      Detection.@Nullable SvidRef svid,
      EvidenceRef.@Nullable Signature signature) {
    return new Detection(
        new Detection.Finding(
            "detection-" + System.nanoTime() + "-" + ++count,
            "rule " + tag,
            "1",
            "Critical",
            "falco.alert",
            List.of("spiffe", tag),
            "something happened",
            "anchor",
            time,
            Instant.now(),
            false,
            null,
            signature,
            null),
        Map.of(),
        null,
        List.of(),
        target,
        svid,
        null);
  }
}
