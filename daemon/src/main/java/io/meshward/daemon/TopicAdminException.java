package io.meshward.daemon;

import org.jspecify.annotations.Nullable;

/** The broker refused, or did not answer, a change to topics; the message says which. */
public final class TopicAdminException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TopicAdminException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
