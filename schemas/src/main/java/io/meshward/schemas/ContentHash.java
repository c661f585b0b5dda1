package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 over a sequence of parts, each preceded by its length so that no two sequences run
 * together. Ids made of it are content: a retry of the same event has the same id. Not thread-safe.
 */
public final class ContentHash {
  private final MessageDigest digest;

  public ContentHash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  /** Adds a text; an absent one differs from an empty one. */
  public ContentHash add(@Nullable String part) {
    if (part == null) {
      digest.update(ByteBuffer.allocate(4).putInt(-1).flip());
    } else {
      add(part.getBytes(UTF_8));
    }
    return this;
  }

  /** Adds bytes. */
  public ContentHash add(byte[] part) {
    digest.update(ByteBuffer.allocate(4).putInt(part.length).flip());
    digest.update(part);
    return this;
  }

  /** Adds a JSON document in a form that does not depend on the order of keys. */
  public ContentHash add(JsonNode json) {
    return add(canonical(json).toString());
  }

  /** The hash of all parts, as 64 hexadecimal digits. */
  public String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The first {@code digits} hexadecimal digits of the hash. */
  public String hex(int digits) {
    return hex().substring(0, digits);
  }

  private static JsonNode canonical(JsonNode json) {
    if (json.isObject()) {
      TreeMap<String, JsonNode> sorted = new TreeMap<>();
      json.properties().forEach(field -> sorted.put(field.getKey(), canonical(field.getValue())));
      ObjectNode object = EventCodec.object();
      sorted.forEach(object::set);
      return object;
    }
    if (json.isArray()) {
      var array = EventCodec.object().arrayNode();
      json.forEach(item -> array.add(canonical(item)));
      return array;
    }
    return json;
  }
}
