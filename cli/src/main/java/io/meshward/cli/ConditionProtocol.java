package io.meshward.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.rules.CompiledCondition;
import io.meshward.rules.Condition;
import io.meshward.rules.ConditionCompileException;
import io.meshward.rules.ConditionCompiler;
import io.meshward.rules.ConditionParser;
import io.meshward.rules.ConditionProblem;
import io.meshward.rules.ConditionSyntaxException;
import io.meshward.rules.Dialect;
import io.meshward.rules.FieldCatalogue;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;

/**
 * Answers questions about conditions for programs: the n-th line of input is a JSON document with a
 * {@code condition}, in UTF-8, the n-th line of output its answer, {@code {"ok":true,…}} or {@code
 * {"ok":false,"message":s,"line":n,"column":n}} with the place in the condition. A line that is no
 * such document is answered with its own place too, and the next one is read. Output is ASCII, and
 * flushed after each line.
 */
final class ConditionProtocol {

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
  private final Question question;

  /** What is asked about each condition. */
  @FunctionalInterface
  interface Question {

    /**
     * Completes the answer to a condition that parses.
     *
     * @param document the whole line
     * @throws ConditionCompileException if the condition does not fit the fields
     * @throws IllegalArgumentException if the document lacks what the question needs
     */
    void answer(Condition condition, JsonNode document, ObjectNode answer);
  }

  /**
   * @param in should be buffered
   */
  ConditionProtocol(InputStream in, PrintWriter out, Question question) {
    this.in = in;
    this.out = out;
    this.question = question;
  }

  /** Asks for the {@code canonical} text. */
  static Question parse() {
    return (condition, document, answer) -> answer.put("canonical", condition.canonical());
  }

  /** Asks for the {@code canonical} text and the {@code warnings}, each with its place. */
  static Question compile(FieldCatalogue fields, Dialect dialect) {
    return (condition, document, answer) -> {
      CompiledCondition compiled = ConditionCompiler.compile(condition, fields, dialect);
      answer.put("canonical", condition.canonical());
      ArrayNode warnings = answer.putArray("warnings");
      for (ConditionProblem warning : compiled.warnings()) {
        place(warnings.addObject().put("message", warning.message()), warning);
      }
    };
  }

  /** Asks for the {@code result} over the document's {@code event}. */
  static Question evaluate(FieldCatalogue fields, Dialect dialect) {
    return (condition, document, answer) -> {
      CompiledCondition compiled = ConditionCompiler.compile(condition, fields, dialect);
      if (!(document.get("event") instanceof ObjectNode event)) {
        throw new IllegalArgumentException("expected an object whose 'event' is an object");
      }
      answer.put("result", compiled.test(new JsonEvent(event)));
    };
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

  private ObjectNode answer(byte[] line) throws IOException {
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
      ObjectNode answer = JSON.createObjectNode().put("ok", true);
      question.answer(ConditionParser.parse(text.textValue()), document, answer);
      return answer;
    } catch (ConditionSyntaxException e) {
      return refusal(e.getMessage(), e.line(), e.column());
    } catch (ConditionCompileException e) {
      return place(refusal(e.getMessage(), 1, 1), e.problems().getFirst());
    } catch (IllegalArgumentException e) {
      return refusal(String.valueOf(e.getMessage()), 1, 1);
    }
  }

  private static ObjectNode refusal(String message, int line, int column) {
    return JSON.createObjectNode()
        .put("ok", false)
        .put("message", message)
        .put("line", line)
        .put("column", column);
  }

  private static ObjectNode place(ObjectNode node, ConditionProblem problem) {
    return node.put("line", problem.position().line()).put("column", problem.position().column());
  }
}
