package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Reads JSON, or YAML with one document or several, as trees. Repeated keys are errors. */
final class PolicyDocument {
  static final int MAX_BYTES = EventCodec.MAX_DOCUMENT_BYTES;
  private static final int MAX_DEPTH = 50;

  private PolicyDocument() {}

  /**
   * The trees of a document: one of JSON, or as many as YAML has.
   *
   * @param name what the roots are called in complaints
   * @throws InvalidPolicyException with line and column, if it is neither
   */
  static List<PolicyNode> read(String text, String name) throws InvalidPolicyException {
    String content = text.stripLeading();
    if (content.startsWith("{") || content.startsWith("[")) {
      try {
        return List.of(new PolicyNode(name, EventCodec.readTree(text.getBytes(UTF_8))));
      } catch (MalformedEventException e) {
        throw new InvalidPolicyException(String.valueOf(e.getMessage()), e);
      }
    }
    return yaml(text, name);
  }

  /** The tree of a document that is not to have several. */
  static PolicyNode readOne(String text, String name) throws InvalidPolicyException {
    List<PolicyNode> all = read(text, name);
    if (all.size() != 1) {
      throw new InvalidPolicyException(name + " has " + all.size() + " documents: expected one");
    }
    return all.get(0);
  }

  private static List<PolicyNode> yaml(String text, String name) throws InvalidPolicyException {
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(name)
            .setAllowDuplicateKeys(false)
            .setAllowRecursiveKeys(false)
            .setMaxAliasesForCollections(0)
            .setCodePointLimit(MAX_BYTES)
            .build();
    try {
      List<PolicyNode> trees = new ArrayList<>();
      for (Object document : new Load(settings).loadAllFromString(text)) {
        if (document != null) {
          trees.add(new PolicyNode(name, tree(document, name, 0)));
        }
      }
      return trees;
    } catch (YamlEngineException | StackOverflowError e) {
      throw new InvalidPolicyException(name + " is not YAML: " + e.getMessage(), e);
    }
  }

  private static JsonNode tree(Object value, String at, int depth) throws InvalidPolicyException {
    if (depth > MAX_DEPTH) {
      throw new InvalidPolicyException(at + " nests deeper than " + MAX_DEPTH);
    }
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (value) {
      case Map<?, ?> map -> {
        ObjectNode object = nodes.objectNode();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          if (!(entry.getKey() instanceof String key)) {
            throw new InvalidPolicyException(
                at + " has the key " + entry.getKey() + ": expected a text");
          }
          object.set(
              key,
              entry.getValue() == null
                  ? nodes.nullNode()
                  : tree(entry.getValue(), at + "." + key, depth + 1));
        }
        yield object;
      }
      case List<?> list -> {
        ArrayNode array = nodes.arrayNode();
        for (Object item : list) {
          array.add(item == null ? nodes.nullNode() : tree(item, at + "[]", depth + 1));
        }
        yield array;
      }
      case String text -> nodes.textNode(text);
      case Boolean truth -> nodes.booleanNode(truth);
      case Integer number -> nodes.numberNode(number);
      case Long number -> nodes.numberNode(number);
      case BigInteger number -> nodes.numberNode(number);
      case Double number when Double.isFinite(number) ->
          nodes.numberNode(BigDecimal.valueOf(number));
      default ->
          throw new InvalidPolicyException(
              at + " is " + value + ": expected what JSON could say as well");
    };
  }
}
