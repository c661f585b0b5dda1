package io.meshward.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * An answer.
 *
 * @param headers further headers than the content type
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; handed to the socket as it is.
public record HttpReply(int status, String contentType, byte[] body, Map<String, String> headers) {
  private static final JsonMapper JSON = new JsonMapper();

  public HttpReply {
    headers = Map.copyOf(headers);
  }

  /** JSON of maps, lists, records and values. */
  public static HttpReply json(int status, Object value) {
    return new HttpReply(status, "application/json", write(value), Map.of());
  }

  /** Text in UTF-8. */
  public static HttpReply text(int status, String contentType, String text) {
    return new HttpReply(status, contentType, text.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** A problem in JSON; one of status 503 asks to try again in a second. */
  public static HttpReply problem(Problem problem) {
    return new HttpReply(
        problem.status(),
        Problem.MEDIA_TYPE,
        write(problem.members()),
        problem.status() == 503 ? Map.of("Retry-After", "1") : Map.of());
  }

  /** The same answer with one more header. */
  public HttpReply with(String header, String value) {
    Map<String, String> all = new HashMap<>(headers);
    all.put(header, value);
    return new HttpReply(status, contentType, body, all);
  }

  private static byte[] write(Object value) {
    try {
      return JSON.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an answer cannot be written as JSON", e);
    }
  }
}
