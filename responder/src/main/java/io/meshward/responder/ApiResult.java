package io.meshward.responder;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the Kubernetes API answered to one request, sorted by what can be done about it. */
sealed interface ApiResult {

  /** It was done, or read. */
  record Ok(JsonNode body) implements ApiResult {}

  /** What the request names does not exist. */
  record Absent(String message) implements ApiResult {}

  /** Another object stands under the name: the uid is not the expected one. */
  record Replaced(String message) implements ApiResult {}

  /** The object was changed since it was read, or exists already, or another manager owns it. */
  record Conflict(String message) implements ApiResult {}

  /** The server refuses: asking again does not help. */
  record Refused(int status, String message) implements ApiResult {}

  /**
   * It was not done, and may be asked for again.
   *
   * @param retryAfter how long the server wants us to wait, if it said so
   */
  record Unavailable(String message, @Nullable Duration retryAfter) implements ApiResult {}

  /** It may have been done or not: to be read back before it is asked for again. */
  record Unknown(String message) implements ApiResult {}

  /** In words, for errors. */
  default String words() {
    return switch (this) {
      case Ok ok -> "done";
      case Absent absent -> absent.message();
      case Replaced replaced -> replaced.message();
      case Conflict conflict -> conflict.message();
      case Refused refused -> refused.status() + ": " + refused.message();
      case Unavailable unavailable -> unavailable.message();
      case Unknown unknown -> unknown.message();
    };
  }
}
