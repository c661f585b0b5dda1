package io.meshward.rules;

/** A text that is no output format, with what was expected and where. */
public final class OutputFormatException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int index;

  OutputFormatException(String message, int index) {
    super(message);
    this.index = index;
  }

  /** 0-based index into the format's text. */
  public int index() {
    return index;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
