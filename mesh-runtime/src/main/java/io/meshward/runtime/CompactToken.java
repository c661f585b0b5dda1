package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.SpiffeId;
import java.math.BigDecimal;
import java.security.PublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JWT-SVID taken apart, before anything in it is proved: the compact serialization, and the form
 * of its headers and claims (JWT-SVID 2, 3 and 5.1).
 *
 * @param signed the text that the signature is made over
 * @param signature as base64url
 */
record CompactToken(
    JwtAlgorithm algorithm,
    @Nullable String keyId,
    SpiffeId subject,
    List<String> audience,
    BigDecimal expiry,
    @Nullable BigDecimal notBefore,
    Map<String, Object> claims,
    String signed,
    String signature) {

  /** Far above what a token needs, far below what a metadata or a memory limit could hurt. */
  static final int MAX_CHARACTERS = 16 * 1024;

  private static final BigDecimal LATEST = BigDecimal.valueOf(Instant.MAX.getEpochSecond());

  /**
   * Takes a token apart.
   *
   * @throws JwtSvidRejectedException if its form is wrong
   */
  static CompactToken parse(String token) {
    if (token.length() > MAX_CHARACTERS) {
      throw new JwtSvidRejectedException(
          JwtRejection.TOO_LONG,
          token.length() + " characters: expected at most " + MAX_CHARACTERS);
    }
    int first = token.indexOf('.');
    int second = token.indexOf('.', first + 1);
    if (first < 0 || second < 0 || token.indexOf('.', second + 1) >= 0) {
      throw malformed("expected three parts with dots between them");
    }
    JsonNode header = object(token.substring(0, first), "header");
    JwtAlgorithm algorithm = algorithm(header);
    checkType(header);
    String keyId = keyId(header);
    if (header.has("crit")) {
      // RFC 7515 4.1.11: extensions that are not understood; JWT-SVIDs have none.
      throw new JwtSvidRejectedException(
          JwtRejection.CRITICAL_HEADER, "'crit' is " + header.get("crit") + ": expected none");
    }
    JsonNode claims = object(token.substring(first + 1, second), "claims");
    BigDecimal expiry = time(claims, "exp", JwtRejection.EXPIRY);
    if (expiry == null) {
      throw new JwtSvidRejectedException(JwtRejection.EXPIRY, "'exp' is absent");
    }
    BigDecimal unused = time(claims, "iat", JwtRejection.ISSUED_AT);
    String signature = token.substring(second + 1);
    byte[] unusedYet = decode(signature, "signature");
    return new CompactToken(
        algorithm,
        keyId,
        subject(claims),
        audience(claims),
        expiry,
        time(claims, "nbf", JwtRejection.NOT_BEFORE),
        values(claims),
        token.substring(0, second),
        signature);
  }

  /** Whether the other half of this key signed it. */
  boolean isSignedBy(PublicKey key) {
    return algorithm.verifies(key, signed.getBytes(US_ASCII), Base64Url.decode(signature));
  }

  /** When it ends. */
  Instant expiresAt() {
    return Instant.ofEpochSecond(expiry.longValue());
  }

  private static JwtAlgorithm algorithm(JsonNode header) {
    String name = header.path("alg").textValue();
    JwtAlgorithm algorithm = name == null ? null : JwtAlgorithm.of(name);
    if (algorithm == null) {
      throw new JwtSvidRejectedException(
          JwtRejection.ALGORITHM,
          "'alg' is " + header.path("alg") + ": expected one of " + List.of(JwtAlgorithm.values()));
    }
    return algorithm;
  }

  private static void checkType(JsonNode header) {
    JsonNode type = header.path("typ");
    if (!type.isMissingNode()
        && !"JWT".equals(type.textValue())
        && !"JOSE".equals(type.textValue())) {
      throw new JwtSvidRejectedException(
          JwtRejection.TYPE, "'typ' is " + type + ": expected JWT, JOSE or none");
    }
  }

  private static @Nullable String keyId(JsonNode header) {
    JsonNode keyId = header.path("kid");
    if (!keyId.isMissingNode() && !keyId.isTextual()) {
      throw new JwtSvidRejectedException(JwtRejection.KEY_ID, "'kid' is no text");
    }
    return keyId.textValue();
  }

  private static SpiffeId subject(JsonNode claims) {
    String subject = claims.path("sub").textValue();
    if (subject == null) {
      throw new JwtSvidRejectedException(JwtRejection.SUBJECT, "'sub' is absent or no text");
    }
    try {
      SpiffeId id = SpiffeId.parse(subject);
      if (!id.hasPath()) {
        throw new JwtSvidRejectedException(
            JwtRejection.SUBJECT, "'sub' is the ID of a trust domain, not of a workload");
      }
      return id;
    } catch (InvalidSpiffeIdException e) {
      throw new JwtSvidRejectedException(JwtRejection.SUBJECT, "'sub': " + e.getMessage());
    }
  }

  /** One text or an array of them (RFC 7519 4.1.3). */
  private static List<String> audience(JsonNode claims) {
    JsonNode audience = claims.path("aud");
    if (audience.isTextual()) {
      return List.of(audience.textValue());
    }
    List<String> all = new ArrayList<>();
    for (JsonNode one : audience) {
      if (!audience.isArray() || !one.isTextual()) {
        throw new JwtSvidRejectedException(
            JwtRejection.AUDIENCE, "'aud' is neither a text nor an array of texts");
      }
      all.add(one.textValue());
    }
    if (all.isEmpty()) {
      throw new JwtSvidRejectedException(JwtRejection.AUDIENCE, "'aud' is absent or empty");
    }
    return List.copyOf(all);
  }

  /** Seconds since 1970, which may have a fraction (RFC 7519 2). */
  private static @Nullable BigDecimal time(JsonNode claims, String name, JwtRejection rejection) {
    JsonNode value = claims.path(name);
    if (value.isMissingNode()) {
      return null;
    }
    if (!value.isNumber()
        || value.decimalValue().signum() < 0
        || value.decimalValue().compareTo(LATEST) > 0) {
      throw new JwtSvidRejectedException(
          rejection, "'" + name + "' is no number of seconds since 1970");
    }
    return value.decimalValue();
  }

  private static JsonNode object(String part, String what) {
    byte[] json = decode(part, what);
    // Without a look at the first bytes, the reader would guess at other encodings than UTF-8.
    if (json.length < 2 || json[0] != '{' || json[1] == 0) {
      throw malformed("the " + what + " are no JSON object in UTF-8");
    }
    try {
      return EventCodec.readTree(json);
    } catch (MalformedEventException e) {
      throw malformed("the " + what + " cannot be read: " + e.getMessage());
    }
  }

  private static byte[] decode(String part, String what) {
    try {
      return Base64Url.decode(part);
    } catch (IllegalArgumentException e) {
      throw malformed("the " + what + " are no base64url");
    }
  }

  private static Map<String, Object> values(JsonNode object) {
    Map<String, Object> values = new LinkedHashMap<>();
    object
        .properties()
        .forEach(
            entry -> {
              Object value = value(entry.getValue());
              if (value != null) {
                values.put(entry.getKey(), value);
              }
            });
    return values;
  }

  private static @Nullable Object value(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> Collections.unmodifiableMap(values(node));
      case ARRAY -> {
        List<Object> items = new ArrayList<>();
        for (JsonNode item : node) {
          Object value = value(item);
          if (value != null) {
            items.add(value);
          }
        }
        yield List.copyOf(items);
      }
      case STRING -> node.textValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER -> node.numberValue();
      case NULL, BINARY, MISSING, POJO -> null;
    };
  }

  private static JwtSvidRejectedException malformed(String words) {
    return new JwtSvidRejectedException(JwtRejection.MALFORMED, words);
  }
}
