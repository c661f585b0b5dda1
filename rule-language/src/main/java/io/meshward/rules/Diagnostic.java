package io.meshward.rules;

/**
 * What is wrong with, or suspicious in, a rules file.
 *
 * @param item what it is about, {@code rule 'Terminal shell'}
 * @param message what was found and what was expected
 * @param line 1-based
 * @param column 1-based, in characters
 * @param snippet the source line and a caret below the place
 */
public record Diagnostic(
    Severity severity,
    DiagnosticCode code,
    String item,
    String message,
    String file,
    int line,
    int column,
    String snippet) {

  /** Whether the files load nevertheless. */
  public enum Severity {
    ERROR,
    WARNING
  }

  /** One line: {@code file:line:column: error: item: message [CODE]}. */
  @Override
  public String toString() {
    return file
        + ":"
        + line
        + ":"
        + column
        + ": "
        + (severity == Severity.ERROR ? "error" : "warning")
        + ": "
        + (item.isEmpty() ? "" : item + ": ")
        + message
        + " ["
        + code
        + "]";
  }
}
