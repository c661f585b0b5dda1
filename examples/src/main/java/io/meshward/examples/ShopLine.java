package io.meshward.examples;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a service of the shop tells on its standard output, one JSON object a line: {@code
 * {"ready":{…}}} once, then {@code {"call":{…}}} for each call it made.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, include = JsonTypeInfo.As.WRAPPER_OBJECT)
@JsonSubTypes({
  @JsonSubTypes.Type(value = ShopLine.Ready.class, name = "ready"),
  @JsonSubTypes.Type(value = ShopLine.Call.class, name = "call")
})
public sealed interface ShopLine {

  /**
   * The service works.
   *
   * @param address where it listens, as {@code ip:port}; absent if it only calls others
   */
  record Ready(String service, @Nullable String address) implements ShopLine {}

  /**
   * A call that this service made has ended.
   *
   * @param id of the call
   * @param parent the id of the call that was being served when it was made, if one was
   * @param caller the service that called
   * @param callee the service that was called
   * @param method the full method
   * @param status the gRPC status code it ended with
   * @param detail the status's description, if it has one
   */
  record Call(
      String id,
      @Nullable String parent,
      String caller,
      String callee,
      String method,
      Instant startedAt,
      Instant endedAt,
      String status,
      @Nullable String detail)
      implements ShopLine {}

  /** The line, without its end. */
  default String toLine() {
    try {
      return Json.MAPPER.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a line of records is always JSON", e);
    }
  }

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException if it is not one of these
   */
  static ShopLine parse(String line) {
    try {
      return Json.MAPPER.readValue(line, ShopLine.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a line of a shop service: '" + line + "'", e);
    }
  }

  /** How lines are written. */
  final class Json {
    private static final ObjectMapper MAPPER =
        JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .build();

    private Json() {}
  }
}
