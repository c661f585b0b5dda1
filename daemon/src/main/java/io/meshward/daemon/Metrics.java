package io.meshward.daemon;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusNamingConvention;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The metrics of one process, named by {@link Metric}. Each process has its own; there is no global
 * registry. Thread-safe.
 */
public final class Metrics implements AutoCloseable {
  private static final Duration[] BUCKETS = {
    Duration.ofMillis(1),
    Duration.ofNanos(2_500_000),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(25),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofMillis(2500),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofSeconds(60)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics garbageCollection = new JvmGcMetrics();

  public Metrics() {
    registry.config().namingConvention(new Names());
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    garbageCollection.bindTo(registry);
    gauge(Metric.BUILD_INFO, () -> 1, version());
  }

  /** Counts one. */
  public void increment(Metric metric, String... labelValues) {
    add(metric, 1, labelValues);
  }

  /** Adds to a counter. */
  public void add(Metric metric, double amount, String... labelValues) {
    Counter.builder(require(metric, Metric.Kind.COUNTER))
        .description(metric.help())
        .tags(tags(metric, labelValues))
        .register(registry)
        .increment(amount);
  }

  /** Records how long something took. */
  public void record(Metric metric, Duration duration, String... labelValues) {
    Timer.builder(require(metric, Metric.Kind.TIMER))
        .description(metric.help())
        .tags(tags(metric, labelValues))
        .serviceLevelObjectives(BUCKETS)
        .register(registry)
        .record(duration);
  }

  /**
   * Shows a value that is read whenever metrics are asked for. The first gauge of a name and labels
   * stays.
   */
  public void gauge(Metric metric, DoubleSupplier value, String... labelValues) {
    Gauge.builder(require(metric, Metric.Kind.GAUGE), value::getAsDouble)
        .description(metric.help())
        .tags(tags(metric, labelValues))
        .register(registry);
  }

  /** The registry, for the binders of libraries such as Kafka's clients. */
  public PrometheusMeterRegistry registry() {
    return registry;
  }

  /** All metrics in Prometheus' text format. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    garbageCollection.close();
    registry.close();
  }

  private static String require(Metric metric, Metric.Kind kind) {
    if (metric.kind() != kind) {
      throw new IllegalArgumentException(
          metric.prometheusName() + " is a " + metric.kind() + ": expected a " + kind);
    }
    return metric.prometheusName();
  }

  /** The catalogue gives names in full; those of libraries are made Prometheus' way. */
  private static final class Names extends PrometheusNamingConvention {
    @Override
    public String name(String name, Meter.Type type, @Nullable String baseUnit) {
      return name.startsWith("meshward_") ? name : super.name(name, type, baseUnit);
    }
  }

  private static Tags tags(Metric metric, String[] values) {
    List<String> labels = metric.labels();
    if (labels.size() != values.length) {
      throw new IllegalArgumentException(
          metric.prometheusName() + " has the labels " + labels + ": expected a value for each");
    }
    List<Tag> tags = new ArrayList<>(values.length);
    for (int i = 0; i < values.length; i++) {
      tags.add(Tag.of(labels.get(i), values[i]));
    }
    return Tags.of(tags);
  }

  private static String version() {
    String version = Metrics.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
