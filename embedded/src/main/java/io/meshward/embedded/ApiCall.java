package io.meshward.embedded;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A request to the API double, as fault injection and the write log see it.
 *
 * @param method the HTTP method
 * @param path the decoded path, without the query
 * @param query the decoded parameters; the first value of each counts
 */
public record ApiCall(String method, String path, Map<String, List<String>> query) {

  /** Copies the query. */
  public ApiCall {
    query = Map.copyOf(query);
  }

  static ApiCall of(String method, String rawPath, String rawQuery) {
    Map<String, List<String>> query = new LinkedHashMap<>();
    if (!rawQuery.isEmpty()) {
      for (String pair : rawQuery.split("&", -1)) {
        int equals = pair.indexOf('=');
        String name = decode(equals < 0 ? pair : pair.substring(0, equals));
        query
            .computeIfAbsent(name, n -> new ArrayList<>())
            .add(equals < 0 ? "" : decode(pair.substring(equals + 1)));
      }
    }
    return new ApiCall(method, decode(rawPath.replace("+", "%2B")), query);
  }

  /**
   * A parameter of the query.
   *
   * @return its first value, or nothing if it is absent or empty
   */
  public Optional<String> parameter(String name) {
    List<String> values = query.getOrDefault(name, List.of());
    return values.isEmpty() || values.getFirst().isEmpty()
        ? Optional.empty()
        : Optional.of(values.getFirst());
  }

  /** Whether the request may change objects; a review asks a question by POST. */
  public boolean isWrite() {
    return switch (method) {
      case "POST" -> !path.endsWith("/selfsubjectaccessreviews");
      case "PUT", "PATCH", "DELETE" -> true;
      default -> false;
    };
  }

  /** Whether the request asks that nothing be persisted. */
  public boolean isDryRun() {
    return query.getOrDefault("dryRun", List.of()).contains("All");
  }

  /**
   * A boolean parameter as the server reads it: present and neither {@code false} nor {@code 0}.
   */
  boolean flag(String name) {
    return query.containsKey(name)
        && !parameter(name).orElse("").equals("false")
        && !parameter(name).orElse("").equals("0");
  }

  /** A whole-number parameter. */
  Optional<Long> number(String name) {
    Optional<String> text = parameter(name);
    try {
      return text.map(Long::parseLong);
    } catch (NumberFormatException e) {
      throw ApiFailure.badRequest(
          "strconv.ParseInt: parsing \"" + text.orElse("") + "\": invalid syntax");
    }
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiFailure.badRequest("invalid URL escape in \"" + text + '"');
    }
  }
}
