package io.meshward.rules;

/** A text that is no condition, with what was expected and where. */
public final class ConditionSyntaxException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Position position;

  ConditionSyntaxException(String message, Position position) {
    super(message);
    this.position = position;
  }

  /** Where in the text; 1-based line and column. */
  public Position position() {
    return position;
  }

  /** 0-based index into the text. */
  public int index() {
    return position.index();
  }

  /** 1-based. */
  public int line() {
    return position.line();
  }

  /** 1-based, in characters. */
  public int column() {
    return position.column();
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
