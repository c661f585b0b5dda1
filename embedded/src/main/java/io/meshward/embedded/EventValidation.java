package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * The server's checks of an Event, in the field names of the core group, in which it reports them
 * whatever group was asked.
 */
final class EventValidation {

  private static final int MAX_NAME = 128;
  private static final int MAX_NOTE = 1024;

  /** Fields that an event of events.k8s.io keeps; what may change is its series. */
  private static final List<String> IMMUTABLE =
      List.of(
          "involvedObject",
          "reason",
          "message",
          "type",
          "eventTime",
          "action",
          "related",
          "reportingComponent",
          "reportingInstance");

  private final FieldErrors errors;

  EventValidation(FieldErrors errors) {
    this.errors = errors;
  }

  /** Checks a new event, as it is kept. */
  void check(ResourceType type, ApiObject event) {
    JsonNode json = event.json();
    if (type.equals(ResourceCatalogue.EVENTS)) {
      strictly(json);
    }
    String involved = json.path("involvedObject").path("namespace").asText("");
    boolean free = type.equals(ResourceCatalogue.EVENTS) && !involved.isEmpty();
    if (!free && !event.namespace().equals(involved.isEmpty() ? "default" : involved)) {
      errors.invalidText("involvedObject.namespace", involved, "does not match event.namespace");
    }
  }

  private void strictly(JsonNode json) {
    if (!json.has("eventTime")) {
      errors.required("eventTime", "");
    }
    String controller = json.path("reportingComponent").asText("");
    if (controller.isEmpty()) {
      errors.required("reportingController", "");
    }
    Names.labelKeyFault(controller)
        .ifPresent(why -> errors.invalidText("reportingController", controller, why));
    for (String field : List.of("reportingInstance", "action", "reason")) {
      String value = json.path(field).asText("");
      if (value.isEmpty()) {
        errors.required(field, "");
      } else if (value.length() > MAX_NAME) {
        errors.invalidText(field, "", "can have at most " + MAX_NAME + " characters");
      }
    }
    String severity = json.path("type").asText("");
    if (!severity.equals("Normal") && !severity.equals("Warning")) {
      errors.invalidText("type", "", "has invalid value: " + severity);
    }
    if (json.path("message").asText("").length() > MAX_NOTE) {
      errors.invalidText("message", "", "can have at most " + MAX_NOTE + " characters");
    }
    for (String field : List.of("firstTimestamp", "lastTimestamp", "count")) {
      if (json.has(field)) {
        errors.invalidText(field, "", "needs to be unset");
      }
    }
  }

  /** Checks an event against the one that it replaces. */
  void checkUpdate(ResourceType type, ApiObject before, ApiObject after) {
    if (type.equals(ResourceCatalogue.EVENTS)) {
      for (String field : IMMUTABLE) {
        JsonNode value = after.json().path(field);
        if (!value.equals(before.json().path(field))) {
          errors.invalid(field, value.toString(), "field is immutable");
        }
      }
    }
  }
}
