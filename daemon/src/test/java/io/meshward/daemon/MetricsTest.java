package io.meshward.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MetricsTest {
  @Test
  void namesEveryMetricAsTheCatalogueDoes() {
    try (Metrics metrics = new Metrics()) {
      for (Metric metric : Metric.values()) {
        String[] labels =
            metric.labels().stream().map(label -> "a-" + label).toArray(String[]::new);
        switch (metric.kind()) {
          case COUNTER -> metrics.increment(metric, labels);
          case GAUGE -> metrics.gauge(metric, () -> 3, labels);
          case TIMER -> metrics.record(metric, Duration.ofMillis(3), labels);
        }
        String series =
            metric.kind() == Metric.Kind.TIMER
                ? metric.prometheusName() + "_count"
                : metric.prometheusName();
        assertThat(metrics.scrape().lines())
            .anyMatch(line -> line.startsWith("# HELP " + metric.prometheusName() + " "))
            .anyMatch(line -> line.startsWith(series + (labels.length == 0 ? " " : "{")));
        assertThat(metric.prometheusName())
            .matches("meshward_[a-z_]+" + (metric.kind() == Metric.Kind.COUNTER ? "_total" : ""));
      }
      assertThat(Arrays.stream(Metric.values()).map(Metric::prometheusName))
          .doesNotHaveDuplicates();
      assertThat(metrics.scrape()).contains("jvm_memory_used_bytes").contains("le=\"0.0025\"");
    }
  }

  @Test
  void refusesTheWrongLabelsAndTheWrongKind() {
    try (Metrics metrics = new Metrics()) {
      assertThatThrownBy(() -> metrics.increment(Metric.INGEST_REJECTED))
          .hasMessageContaining("meshward_ingest_rejected_total has the labels [reason]");
      assertThatThrownBy(() -> metrics.increment(Metric.INGEST_PUBLISH))
          .hasMessageContaining("is a TIMER: expected a COUNTER");
    }
  }
}
