package io.meshward.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.TrustDomain;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A trust domain's whole bundle, as a bundle endpoint or a bundle map serves it (SPIFFE Trust
 * Domain and Bundle 4). The document does not name its trust domain: whoever fetched it knows.
 * Immutable.
 *
 * @param sequence grows with each version of the document, if its issuer counts
 * @param refreshHint how often the issuer wants it to be fetched
 * @param ignored what is wrong with each key that was left out
 */
record SpiffeBundle(
    TrustBundle x509,
    JwtBundle jwt,
    OptionalLong sequence,
    Duration refreshHint,
    List<String> ignored) {
  private static final Duration DEFAULT_REFRESH_HINT = Duration.ofMinutes(5);
  private static final String SEQUENCE = "spiffe_sequence";
  private static final String REFRESH_HINT = "spiffe_refresh_hint";
  private static final String TRUST_DOMAINS = "trust_domains";

  SpiffeBundle {
    ignored = List.copyOf(ignored);
  }

  /**
   * Reads the bundle of a trust domain.
   *
   * @throws MalformedBundleException if it is no bundle; keys that are unknown do not make it one
   */
  static SpiffeBundle parse(TrustDomain trustDomain, byte[] json) throws MalformedBundleException {
    return read(trustDomain, JsonWebKeys.document(json));
  }

  /**
   * Reads a bundle map: {@code {"trust_domains": {name: bundle}}} (gRFC A87).
   *
   * @throws MalformedBundleException if it, or any bundle in it, is malformed, or a trust domain
   *     comes twice
   */
  static Map<TrustDomain, SpiffeBundle> parseMap(byte[] json) throws MalformedBundleException {
    JsonNode domains = JsonWebKeys.document(json).path(TRUST_DOMAINS);
    if (!domains.isObject()) {
      throw new MalformedBundleException("'" + TRUST_DOMAINS + "' is absent or no object");
    }
    Map<TrustDomain, SpiffeBundle> bundles = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : domains.properties()) {
      try {
        TrustDomain trustDomain = new TrustDomain(entry.getKey());
        if (!entry.getValue().isObject()) {
          throw new MalformedBundleException("the bundle is no object");
        }
        bundles.put(trustDomain, read(trustDomain, entry.getValue()));
      } catch (InvalidSpiffeIdException | MalformedBundleException e) {
        throw new MalformedBundleException(
            TRUST_DOMAINS + ", '" + entry.getKey() + "': " + e.getMessage());
      }
    }
    return bundles;
  }

  private static SpiffeBundle read(TrustDomain trustDomain, JsonNode document)
      throws MalformedBundleException {
    JsonWebKeys keys = JsonWebKeys.read(document, false);
    OptionalLong refreshHint = wholeNumber(document, REFRESH_HINT);
    return new SpiffeBundle(
        new TrustBundle(trustDomain, keys.x509()),
        new JwtBundle(trustDomain, keys.jwt()),
        wholeNumber(document, SEQUENCE),
        refreshHint.isPresent() && refreshHint.getAsLong() > 0
            ? Duration.ofSeconds(refreshHint.getAsLong())
            : DEFAULT_REFRESH_HINT,
        keys.ignored());
  }

  private static OptionalLong wholeNumber(JsonNode document, String field)
      throws MalformedBundleException {
    JsonNode value = document.path(field);
    if (value.isMissingNode()) {
      return OptionalLong.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
      throw new MalformedBundleException(
          "'" + field + "' is " + value + ": expected a whole number from 0 to 2^63 - 1");
    }
    return OptionalLong.of(value.longValue());
  }
}
