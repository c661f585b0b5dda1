package io.meshward.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import org.eclipse.jetty.http.HttpStatus;

/**
 * What went wrong with a request: a problem detail of RFC 9457, of type {@code about:blank}.
 *
 * @param code a stable word for programs
 * @param detail what is wrong, for people: the offending value, what was expected, where
 * @param extensions further members
 */
public record Problem(int status, String code, String detail, Map<String, Object> extensions) {
  /** The media type of a problem. */
  public static final String MEDIA_TYPE = "application/problem+json";

  public Problem {
    extensions = Map.copyOf(extensions);
  }

  public Problem(int status, String code, String detail) {
    this(status, code, detail, Map.of());
  }

  /** The members of the problem, in the order in which people read. */
  Map<String, Object> members() {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("type", "about:blank");
    members.put("title", HttpStatus.getMessage(status));
    members.put("status", status);
    members.put("code", code);
    members.put("detail", detail);
    members.putAll(extensions);
    return members;
  }
}
