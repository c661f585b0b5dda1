package io.meshward.embedded;

import org.jspecify.annotations.Nullable;

/**
 * How an object is deleted.
 *
 * @param uid a precondition, unless null
 * @param resourceVersion a precondition, unless null
 * @param graceSeconds the time that a pod has to end; null leaves it to the pod
 */
record DeleteOptions(
    @Nullable String uid,
    @Nullable String resourceVersion,
    @Nullable Long graceSeconds,
    Propagation propagation,
    boolean dryRun) {

  /** What becomes of the objects that the deleted one owns. */
  enum Propagation {
    /** They are deleted after it. */
    BACKGROUND,
    /** It is deleted after them. */
    FOREGROUND,
    /** They stay, without this owner. */
    ORPHAN
  }

  static final DeleteOptions BACKGROUND =
      new DeleteOptions(null, null, null, Propagation.BACKGROUND, false);

  static final DeleteOptions NOW = new DeleteOptions(null, null, 0L, Propagation.BACKGROUND, false);

  DeleteOptions {
    if (graceSeconds != null && graceSeconds < 0) {
      graceSeconds = 1L;
    }
  }

  /** The same, changing nothing. */
  DeleteOptions asDryRun() {
    return new DeleteOptions(uid, resourceVersion, graceSeconds, propagation, true);
  }

  /** The same, whatever the object's version. */
  DeleteOptions ofAnyVersion() {
    return new DeleteOptions(uid, null, graceSeconds, propagation, dryRun);
  }

  /** The same, only for the object with that uid. */
  DeleteOptions ofUid(String only) {
    return new DeleteOptions(only, resourceVersion, graceSeconds, propagation, dryRun);
  }
}
