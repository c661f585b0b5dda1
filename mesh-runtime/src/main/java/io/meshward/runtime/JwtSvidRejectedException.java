package io.meshward.runtime;

/** A token is no valid JWT-SVID for this audience. The message never quotes the token. */
public final class JwtSvidRejectedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final JwtRejection rejection;

  JwtSvidRejectedException(JwtRejection rejection, String words) {
    super(rejection.code() + ": " + words);
    this.rejection = rejection;
  }

  /** The rule it breaks, such as {@code jwt_expired}: stable, for events and metrics. */
  public String code() {
    return rejection.code();
  }

  JwtRejection rejection() {
    return rejection;
  }
}
