package io.meshward.embedded;

/**
 * How a write is made.
 *
 * @param fieldManager who owns the changed fields
 * @param dryRun everything but the commit
 * @param validation what becomes of fields that the kind does not have
 * @param force an apply takes over the fields of others
 */
record WriteOptions(
    String fieldManager, boolean dryRun, FieldValidation validation, boolean force) {

  /** The server's treatment of unknown fields. */
  enum FieldValidation {
    IGNORE,
    WARN,
    STRICT
  }

  /** The options of the simulated controllers and kubelets. */
  static WriteOptions by(String component) {
    return new WriteOptions(component, false, FieldValidation.IGNORE, false);
  }
}
