package io.meshward.schemas;

import java.util.Arrays;

/** The kinds of events, with the CloudEvents {@code type} each travels under. */
public enum EventType {
  TLS_HANDSHAKE("tls.handshake", TlsHandshake.class),
  AUTHZ_DECISION("authz.decision", AuthzDecision.class),
  SVID_LIFECYCLE("svid.lifecycle", SvidLifecycle.class),
  FALCO_ALERT("falco.alert", FalcoAlert.class),
  DETECTION("detection", Detection.class),
  WORK("work", Work.class),
  RESPONSE("response", Response.class),
  CONTAINMENT("containment", Containment.class),
  QUARANTINE("quarantine", Quarantine.class),
  ENFORCEMENT("enforcement", Enforcement.class),
  INVENTORY("inventory", Inventory.class),
  FACT("fact", Fact.class),
  APPROVAL("approval", Approval.class),
  CONTROL("control", Control.class),
  RISK("risk", Risk.class),
  POLICY("policy", PolicyBundle.class),
  DEAD_LETTER("deadletter", DeadLetter.class);

  private static final String PREFIX = "io.meshward.";
  private static final String VERSION = ".v1";

  private final String kind;
  private final Class<? extends Event> eventClass;

  EventType(String kind, Class<? extends Event> eventClass) {
    this.kind = kind;
    this.eventClass = eventClass;
  }

  /** The kind's own name, such as {@code tls.handshake}; also the name of its schema file. */
  public String kind() {
    return kind;
  }

  /** The CloudEvents type, such as {@code io.meshward.tls.handshake.v1}. */
  public String cloudEventType() {
    return PREFIX + kind + VERSION;
  }

  /** The record (or sealed interface) that holds events of this kind. */
  public Class<? extends Event> eventClass() {
    return eventClass;
  }

  /** The kind of an event. */
  public static EventType of(Event event) {
    return switch (event) {
      case TlsHandshake e -> TLS_HANDSHAKE;
      case AuthzDecision e -> AUTHZ_DECISION;
      case SvidLifecycle e -> SVID_LIFECYCLE;
      case FalcoAlert e -> FALCO_ALERT;
      case Detection e -> DETECTION;
      case Work e -> WORK;
      case Response e -> RESPONSE;
      case Containment e -> CONTAINMENT;
      case Quarantine e -> QUARANTINE;
      case Enforcement e -> ENFORCEMENT;
      case Inventory e -> INVENTORY;
      case Fact e -> FACT;
      case Approval e -> APPROVAL;
      case Control e -> CONTROL;
      case Risk e -> RISK;
      case PolicyBundle e -> POLICY;
      case DeadLetter e -> DEAD_LETTER;
    };
  }

  /**
   * The kind behind a CloudEvents type.
   *
   * @throws MalformedEventException if no kind travels under that type
   */
  public static EventType ofCloudEventType(String type) {
    return Arrays.stream(values())
        .filter(candidate -> candidate.cloudEventType().equals(type))
        .findFirst()
        .orElseThrow(
            () ->
                new MalformedEventException(
                    "ce_type '" + type + "' is not an event type of Meshward"));
  }
}
