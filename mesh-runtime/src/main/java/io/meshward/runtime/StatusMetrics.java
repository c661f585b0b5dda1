package io.meshward.runtime;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.BatchCallback;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.metrics.ObservableDoubleMeasurement;
import io.opentelemetry.api.metrics.ObservableLongMeasurement;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * What a runtime's status says, as metrics that are read when somebody collects them. An age that
 * is not known yet is left out. Thread-safe.
 */
final class StatusMetrics implements AutoCloseable {
  private static final AttributeKey<String> EVENT_CLASS = AttributeKey.stringKey("event.class");

  private final ObservableLongMeasurement open;
  private final ObservableDoubleMeasurement quarantineAge;
  private final ObservableLongMeasurement holds;
  private final ObservableLongMeasurement connections;
  private final ObservableLongMeasurement refused;
  private final ObservableDoubleMeasurement policyAge;
  private final ObservableLongMeasurement policyProblem;
  private final ObservableDoubleMeasurement riskAge;
  private final ObservableLongMeasurement dropped;
  private final BatchCallback callback;

  StatusMetrics(OpenTelemetry telemetry, Supplier<RuntimeStatus> status) {
    Meter meter = telemetry.getMeter(MeshTelemetry.SCOPE);
    open = number(meter, "meshward.open", "1", "1 while this workload serves and dials, else 0");
    quarantineAge =
        age(meter, "meshward.quarantine.age", "How long ago the holds were known to be up to date");
    holds = number(meter, "meshward.quarantine.holds", "{hold}", "Holds that are applied");
    connections = number(meter, "meshward.connections", "{connection}", "Open connections");
    refused =
        count(
            meter,
            "meshward.connections.refused",
            "{connection}",
            "Connections that were closed at once, because there were too many");
    policyAge =
        age(meter, "meshward.policy.age", "How long ago the policy was known to be up to date");
    policyProblem =
        number(
            meter,
            "meshward.policy.problem",
            "1",
            "1 while the newest policy cannot be used and an older one is in force, else 0");
    riskAge =
        age(meter, "meshward.risk.age", "How long ago the scores were known to be up to date");
    dropped = count(meter, "meshward.events.dropped", "{event}", "Events that were dropped");
    callback =
        meter.batchCallback(
            () -> record(status.get()),
            open,
            quarantineAge,
            holds,
            connections,
            refused,
            policyAge,
            policyProblem,
            riskAge,
            dropped);
  }

  private static ObservableLongMeasurement number(
      Meter meter, String name, String unit, String description) {
    return meter
        .gaugeBuilder(name)
        .ofLongs()
        .setUnit(unit)
        .setDescription(description)
        .buildObserver();
  }

  private static ObservableLongMeasurement count(
      Meter meter, String name, String unit, String description) {
    return meter.counterBuilder(name).setUnit(unit).setDescription(description).buildObserver();
  }

  private static ObservableDoubleMeasurement age(Meter meter, String name, String description) {
    return meter.gaugeBuilder(name).setUnit("s").setDescription(description).buildObserver();
  }

  private void record(RuntimeStatus status) {
    open.record(status.open() ? 1 : 0);
    recordAge(quarantineAge, status.quarantineAgeMs());
    holds.record(status.holds());
    connections.record(status.connections());
    refused.record(status.connectionsRefused());
    recordAge(policyAge, status.policyAgeMs());
    policyProblem.record(status.policyProblem() == null ? 0 : 1);
    recordAge(riskAge, status.riskAgeMs());
    status
        .dropped()
        .forEach(
            (eventClass, count) ->
                dropped.record(
                    count, Attributes.of(EVENT_CLASS, eventClass.name().toLowerCase(Locale.ROOT))));
  }

  private static void recordAge(ObservableDoubleMeasurement gauge, long ageMs) {
    if (ageMs >= 0) {
      gauge.record(ageMs / 1e3);
    }
  }

  @Override
  public void close() {
    callback.close();
  }
}
