package io.meshward.daemon;

import java.util.List;

/**
 * Every metric of Meshward's processes: the one place where names are given. A label's values are
 * bounded: never an identity, a pod, a sender or whatever else a stranger can choose.
 */
public enum Metric {
  BUILD_INFO(Kind.GAUGE, "meshward_build_info", "1, labelled with the version", "version"),
  CONFIG_RELOADS(
      Kind.COUNTER,
      "meshward_config_reloads_total",
      "Changes of files at run time, applied or refused",
      "kind",
      "outcome"),
  HTTP_REQUESTS(
      Kind.COUNTER,
      "meshward_http_requests_total",
      "Requests answered, by route and status",
      "route",
      "status"),
  HTTP_CONNECTIONS(Kind.GAUGE, "meshward_http_connections", "Open connections"),
  HTTP_SLOW_CLIENTS(
      Kind.COUNTER,
      "meshward_http_slow_clients_total",
      "Connections closed because the head of a request did not come in time"),
  DEAD_LETTERS(
      Kind.COUNTER,
      "meshward_pipeline_dead_letters_total",
      "Messages that could not be used, and whether they were kept",
      "stage",
      "cause",
      "outcome"),
  INGEST_EVENTS(
      Kind.COUNTER,
      "meshward_ingest_events_total",
      "Alerts received, by what became of them",
      "source",
      "outcome"),
  INGEST_REJECTED(
      Kind.COUNTER, "meshward_ingest_rejected_total", "Alerts and requests refused", "reason"),
  INGEST_PUBLISH(
      Kind.TIMER,
      "meshward_ingest_publish_seconds",
      "From the first alert of a request handed to Kafka to the last one acknowledged"),
  INGEST_IN_FLIGHT(
      Kind.GAUGE, "meshward_ingest_in_flight_bytes", "Bytes of alerts not yet acknowledged");

  /** What a metric measures with. */
  public enum Kind {
    COUNTER,
    GAUGE,
    TIMER
  }

  private final Kind kind;
  private final String prometheusName;
  private final String help;
  private final String labels;

  Metric(Kind kind, String prometheusName, String help, String... labels) {
    this.kind = kind;
    this.prometheusName = prometheusName;
    this.help = help;
    this.labels = String.join(",", labels);
  }

  public Kind kind() {
    return kind;
  }

  /** The name in Prometheus; a timer's series add {@code _bucket}, {@code _count}, {@code _sum}. */
  public String prometheusName() {
    return prometheusName;
  }

  /** What it says, in one line. */
  public String help() {
    return help;
  }

  /** The names of its labels, in the order in which {@link Metrics} takes their values. */
  public List<String> labels() {
    return labels.isEmpty() ? List.of() : List.of(labels.split(","));
  }
}
