package io.meshward.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.rules.Condition;
import io.meshward.rules.ConditionParser;
import io.meshward.rules.ConditionSyntaxException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;

/**
 * Parses conditions for programs: the n-th line of input is a JSON document {@code {"condition":
 * s}} in UTF-8, the n-th line of output its answer, {@code {"ok":true,"canonical":s}} or {@code
 * {"ok":false,"message":s,"line":n,"column":n}}. A line that is no such document is answered with
 * its own place too, and the next one is read. Output is ASCII, and flushed after each line.
 */
final class ConditionParseProtocol {

  /** A longer line is answered with an error; its rest is skipped. */
  static final int MAX_LINE_BYTES = 1024 * 1024;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .build();

  private final InputStream in;
  private final PrintWriter out;

  /**
   * @param in should be buffered
   */
  ConditionParseProtocol(InputStream in, PrintWriter out) {
    this.in = in;
    this.out = out;
  }

  /** Answers every line until the input ends. */
  void run() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long length = 0;
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (b == '\n') {
        answer(line, length);
        length = 0;
      } else if (length++ < MAX_LINE_BYTES) {
        line.write(b);
      }
    }
    if (length > 0) {
      answer(line, length);
    }
  }

  private void answer(ByteArrayOutputStream line, long length) throws IOException {
    ObjectNode answer =
        length > MAX_LINE_BYTES
            ? refusal("the line has more than " + MAX_LINE_BYTES + " bytes", 1, MAX_LINE_BYTES)
            : answer(line.toByteArray());
    line.reset();
    out.println(JSON.writeValueAsString(answer));
    out.flush();
  }

  private static ObjectNode answer(byte[] line) throws IOException {
    JsonNode document;
    try {
      document = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      JsonLocation location = e.getLocation();
      int column = location == null ? 1 : Math.max(1, location.getColumnNr());
      return refusal("not a JSON document: " + e.getOriginalMessage(), 1, column);
    }
    JsonNode text = document.get("condition");
    if (text == null || !text.isTextual()) {
      return refusal("expected an object whose 'condition' is a string", 1, 1);
    }
    try {
      Condition condition = ConditionParser.parse(text.textValue());
      return JSON.createObjectNode().put("ok", true).put("canonical", condition.canonical());
    } catch (ConditionSyntaxException e) {
      return refusal(e.getMessage(), e.line(), e.column());
    }
  }

  private static ObjectNode refusal(String message, int line, int column) {
    return JSON.createObjectNode()
        .put("ok", false)
        .put("message", message)
        .put("line", line)
        .put("column", column);
  }
}
