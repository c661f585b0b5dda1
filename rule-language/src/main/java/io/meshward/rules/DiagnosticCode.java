package io.meshward.rules;

/** What a diagnostic is about: Falco's codes for rules files, and those of detections. */
public enum DiagnosticCode {
  LOAD_ERR_YAML_PARSE("not valid YAML"),
  LOAD_ERR_YAML_VALIDATE("not of the form of a rules file"),
  LOAD_ERR_COMPILE_CONDITION("condition cannot be compiled"),
  LOAD_ERR_COMPILE_OUTPUT("output cannot be compiled"),
  LOAD_ERR_VALIDATE("definition is invalid"),
  LOAD_UNKNOWN_SOURCE("unknown event source"),
  LOAD_UNSAFE_NA_CHECK("unsafe comparison with <NA>"),
  LOAD_NO_EVTTYPE("condition does not restrict the event type"),
  LOAD_UNKNOWN_FILTER("unknown field, rule skipped"),
  LOAD_UNUSED_MACRO("unused macro"),
  LOAD_UNUSED_LIST("unused list"),
  LOAD_UNKNOWN_ITEM("unknown item"),
  LOAD_DEPRECATED_ITEM("deprecated"),
  LOAD_APPEND_NO_VALUES("appended exception without values"),
  LOAD_EXCEPTION_NAME_NOT_UNIQUE("exception's name is not unique"),
  LOAD_INVALID_MACRO_NAME("invalid macro name"),
  LOAD_INVALID_LIST_NAME("invalid list name"),
  LOAD_COMPILE_CONDITION("condition is suspicious"),
  LOAD_UNKNOWN_KEY("unknown key"),
  LOAD_DISABLED_REFERENCE("reference to a disabled rule");

  private final String title;

  DiagnosticCode(String title) {
    this.title = title;
  }

  /** The code in words. */
  public String title() {
    return title;
  }
}
