package io.meshward.rules;

/** What a field takes in brackets: {@code proc.aname[2]}, {@code json.value[/user]}. */
public enum FieldArgument {
  NONE(false, false),
  INDEX_ALLOWED(false, true),
  INDEX_REQUIRED(true, true),
  KEY_ALLOWED(false, false),
  KEY_REQUIRED(true, false);

  private final boolean required;
  private final boolean index;

  FieldArgument(boolean required, boolean index) {
    this.required = required;
    this.index = index;
  }

  boolean isRequired() {
    return required;
  }

  boolean isIndex() {
    return index;
  }
}
