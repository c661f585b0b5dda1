package io.meshward.detect;

import io.meshward.daemon.Metric;
import io.meshward.daemon.Metrics;
import io.meshward.runtime.EventTrust;
import io.meshward.schemas.Detection;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;

/**
 * What all tasks of the topology share. Immutable and thread-safe.
 *
 * @param rules the rules of this moment
 */
record Wiring(
    String cluster,
    Supplier<RuleBook> rules,
    Reporters reporters,
    Findings findings,
    CommitPacer pacer,
    DetectConfig.Timing timing,
    DetectConfig.Limits limits,
    Metrics metrics,
    Gauges gauges,
    Parking parking) {

  static Wiring of(
      DetectConfig config,
      Supplier<RuleBook> rules,
      Supplier<EventTrust> trust,
      Metrics metrics,
      Parking.Place deadLetters) {
    return new Wiring(
        config.cluster(),
        rules,
        new Reporters(trust, metrics),
        new Findings(config.cluster(), config.limits().evidence()),
        new CommitPacer(config.timing().commitFloor()),
        config.timing(),
        config.limits(),
        metrics,
        new Gauges(metrics),
        new Parking(deadLetters));
  }

  /** Counts a detection that was written. */
  void detected(Detection detection, long now) {
    metrics.increment(Metric.DETECTIONS, detection.detection().rule());
    Duration age = Duration.between(detection.detection().time(), Instant.ofEpochMilli(now));
    metrics.record(Metric.DETECTION_AGE, age.isNegative() ? Duration.ZERO : age);
  }
}
