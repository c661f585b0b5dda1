package io.meshward.ingest;

/** Why an alert is not one. Thrown without a stack: it is an answer, not a failure. */
final class Rejection extends Exception {
  private static final long serialVersionUID = 1L;

  /** The field of what cannot be read at all. */
  static final String BODY = "body";

  private final String field;
  private final Cause cause;

  /** Causes, which are also those of dead letters and metrics. */
  enum Cause {
    MALFORMED_JSON("malformed_json"),
    INVALID_ALERT("invalid_alert");

    private final String label;

    Cause(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  Rejection(Cause cause, String field, String detail) {
    super(detail, null, false, false);
    this.cause = cause;
    this.field = field;
  }

  static Rejection invalid(String field, String detail) {
    return new Rejection(Cause.INVALID_ALERT, field, field + " " + detail);
  }

  /** The path of the offending field; {@link #BODY} where no field can be told. */
  String field() {
    return field;
  }

  Cause why() {
    return cause;
  }

  String detail() {
    return String.valueOf(getMessage());
  }
}
