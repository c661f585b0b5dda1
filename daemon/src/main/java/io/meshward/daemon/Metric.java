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
  HTTP_AT_WORK(
      Kind.GAUGE, "meshward_http_requests_at_work", "Requests at work or waiting for their turn"),
  HTTP_WAITING(Kind.GAUGE, "meshward_http_requests_waiting", "Requests that wait for their turn"),
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
  DEAD_LETTERS_WAITING(
      Kind.GAUGE,
      "meshward_pipeline_dead_letters_waiting",
      "Messages that could not be used and wait to be kept",
      "stage"),
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
      Kind.GAUGE, "meshward_ingest_in_flight_bytes", "Bytes of alerts not yet acknowledged"),
  INGEST_REMEMBERED(
      Kind.GAUGE,
      "meshward_ingest_remembered_alerts",
      "Alerts acknowledged lately, which are not written again"),
  DETECT_EVENTS(
      Kind.COUNTER,
      "meshward_detect_events_total",
      "Events tested with the rules, by topic and whether any matched",
      "topic",
      "outcome"),
  DETECT_DUPLICATES(
      Kind.COUNTER,
      "meshward_detect_duplicate_events_total",
      "Matching events that were sent again, and so not counted again",
      "topic"),
  DETECT_SIGNATURES(
      Kind.COUNTER,
      "meshward_detect_signatures_total",
      "Matching events of the mesh, by what their reporters' signatures proved; invalid ones are"
          + " parked",
      "outcome"),
  DETECT_EVALUATIONS(
      Kind.COUNTER,
      "meshward_detect_rule_evaluations_total",
      "Conditions tested: after the index chose them",
      "topic"),
  DETECT_FACTS(
      Kind.COUNTER,
      "meshward_detect_facts_total",
      "Matches that a correlation was told of: counted, late, duplicate, or of outdated rules",
      "outcome"),
  DETECT_WINDOW_DROPPED(
      Kind.COUNTER,
      "meshward_detect_window_dropped_total",
      "Events and groups that windows forgot because there were too many",
      "what"),
  DETECT_GROUPS(
      Kind.GAUGE, "meshward_detect_groups", "Groups that correlations hold in this process"),
  DETECT_SEEN(
      Kind.GAUGE,
      "meshward_detect_seen_events",
      "Matching events that are remembered, so that none counts twice"),
  DETECTIONS(Kind.COUNTER, "meshward_detect_detections_total", "Detections, by rule", "rule"),
  DETECTION_AGE(
      Kind.TIMER,
      "meshward_detect_detection_age_seconds",
      "From the time of the event that completed a detection to its detection"),
  DETECT_INVENTORY(Kind.GAUGE, "meshward_detect_inventory_pods", "Pods that detection knows of"),
  DETECT_QUARANTINE_AGE(
      Kind.GAUGE,
      "meshward_detect_quarantine_age_seconds",
      "Since it was last known whose reports must not be believed; negative before"),
  DETECT_RULES(Kind.GAUGE, "meshward_detect_rules", "Rules and detections that are loaded"),
  DETECT_RELOADS(
      Kind.COUNTER,
      "meshward_detect_rule_reloads_total",
      "Rules read again, by outcome",
      "outcome"),
  DETECT_THREAD_FAILURES(
      Kind.COUNTER,
      "meshward_detect_thread_failures_total",
      "Threads that ended with an exception and were replaced"),
  RESPONDER_TRANSITIONS(
      Kind.COUNTER,
      "meshward_responder_transitions_total",
      "Transitions of containments, by the state they lead to",
      "state"),
  RESPONDER_EVENTS_DROPPED(
      Kind.COUNTER,
      "meshward_responder_events_dropped_total",
      "Kubernetes Events about containments that the API did not take"),
  RESPONDER_STATEMENTS_REFUSED(
      Kind.COUNTER,
      "meshward_responder_statements_refused_total",
      "Approvals, vetoes and releases that did not count"),
  RESPONDER_HIGHEST_MODE(
      Kind.GAUGE,
      "meshward_responder_highest_mode",
      "The highest mode that the control topic allows: 0 observe to 4 enforce"),
  RESPONDER_PODS(Kind.GAUGE, "meshward_responder_inventory_pods", "Pods in the inventory");

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
