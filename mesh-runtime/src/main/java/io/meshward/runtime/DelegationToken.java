package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.SpiffeId;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One link of a delegation: a JWT by which a workload lets the next one act on behalf of whoever
 * began it. Signed with the key of its X.509-SVID, whose chain is in {@code x5c} (RFC 7515 4.1.6);
 * {@code sub} is the originator, {@code act} names those who act for it, the signer outermost (RFC
 * 8693 4.1), {@code aud} is the next hop, and {@code prv} the SHA-256 of the link before.
 * Immutable.
 *
 * @param chain the signer's certificates as they came, not verified
 * @param actors who acts for the originator, the signer first; empty if the signer is the
 *     originator
 * @param previous the hash of the link before, if there is one
 * @param signed the text that the signature is made over
 * @param signature as base64url
 * @param text the compact serialization
 */
record DelegationToken(
    JwtAlgorithm algorithm,
    List<X509Certificate> chain,
    SpiffeId originator,
    List<SpiffeId> actors,
    SpiffeId audience,
    Instant issuedAt,
    Instant expiresAt,
    @Nullable String previous,
    String signed,
    String signature,
    String text) {

  /** How many may act for an originator, one after the other. */
  static final int MOST_ACTORS = 4;

  static final String TYPE = "meshward-delegation+jwt";
  private static final int MOST_CERTIFICATES = 4;

  /** Signs a link, whatever it says. */
  static String sign(
      X509Svid signer,
      SpiffeId originator,
      List<SpiffeId> actors,
      SpiffeId audience,
      Instant issuedAt,
      Instant expiresAt,
      @Nullable String previous) {
    JwtAlgorithm algorithm = JwtAlgorithm.forKey(signer.leaf().getPublicKey());
    ObjectNode header = EventCodec.object();
    header.put("alg", algorithm.name()).put("typ", TYPE);
    ArrayNode certificates = header.putArray("x5c");
    for (X509Certificate certificate : signer.chain()) {
      try {
        certificates.add(Base64.getEncoder().encodeToString(certificate.getEncoded()));
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a verified certificate has an encoding", e);
      }
    }
    ObjectNode claims = EventCodec.object();
    claims.put("sub", originator.toString()).put("aud", audience.toString());
    ObjectNode at = claims;
    for (SpiffeId actor : actors) {
      at = at.putObject("act").put("sub", actor.toString());
    }
    claims.put("iat", issuedAt.getEpochSecond()).put("exp", expiresAt.getEpochSecond());
    if (previous != null) {
      claims.put("prv", previous);
    }
    String signed =
        Base64Url.encode(EventCodec.encodeValue(header))
            + "."
            + Base64Url.encode(EventCodec.encodeValue(claims));
    return signed
        + "."
        + Base64Url.encode(algorithm.sign(signer.privateKey(), signed.getBytes(US_ASCII)));
  }

  /**
   * Takes a link apart, before anything in it is proved.
   *
   * @throws EvidenceRejectedException if its form is wrong
   */
  static DelegationToken parse(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 3) {
      throw malformed();
    }
    try {
      JsonNode header = EventCodec.readTree(Base64Url.decode(parts[0]));
      JsonNode claims = EventCodec.readTree(Base64Url.decode(parts[1]));
      JwtAlgorithm algorithm = JwtAlgorithm.of(header.path("alg").asText());
      if (header.size() != 3 || algorithm == null || !header.path("typ").asText().equals(TYPE)) {
        throw malformed();
      }
      JsonNode previous = claims.path("prv");
      return new DelegationToken(
          algorithm,
          chain(header.path("x5c")),
          id(claims.path("sub")),
          actors(claims),
          id(claims.path("aud")),
          time(claims.path("iat")),
          time(claims.path("exp")),
          previous.isMissingNode() ? null : previous.asText(),
          parts[0] + "." + parts[1],
          canonical(parts[2]),
          text);
    } catch (MalformedEventException | CertificateException | IllegalArgumentException e) {
      throw malformed();
    }
  }

  /** Whether the key of its own first certificate signed it. */
  boolean isSigned() {
    return algorithm.verifies(
        chain.get(0).getPublicKey(), signed.getBytes(US_ASCII), Base64Url.decode(signature));
  }

  /** What the next link names it by. */
  String hash() {
    return Certificates.sha256Hex(text.getBytes(UTF_8));
  }

  /** What can be decoded later. */
  private static String canonical(String base64url) {
    byte[] unusedYet = Base64Url.decode(base64url);
    return base64url;
  }

  private static List<X509Certificate> chain(JsonNode x5c) throws CertificateException {
    if (!x5c.isArray() || x5c.isEmpty() || x5c.size() > MOST_CERTIFICATES) {
      throw malformed();
    }
    List<X509Certificate> chain = new ArrayList<>();
    for (JsonNode one : x5c) {
      List<X509Certificate> parsed =
          Certificates.parseDer(Base64.getDecoder().decode(one.asText()));
      if (parsed.size() != 1) {
        throw malformed();
      }
      chain.add(parsed.get(0));
    }
    return List.copyOf(chain);
  }

  private static List<SpiffeId> actors(JsonNode claims) {
    List<SpiffeId> actors = new ArrayList<>();
    for (JsonNode at = claims.path("act"); !at.isMissingNode(); at = at.path("act")) {
      if (actors.size() == MOST_ACTORS) {
        throw new EvidenceRejectedException("delegation_too_long");
      }
      actors.add(id(at.path("sub")));
    }
    return List.copyOf(actors);
  }

  private static SpiffeId id(JsonNode text) {
    if (!text.isTextual()) {
      throw malformed();
    }
    return SpiffeId.parse(text.textValue());
  }

  private static Instant time(JsonNode seconds) {
    // Within what an Instant can hold, and far beyond any clock.
    if (!seconds.isIntegralNumber()
        || !seconds.canConvertToLong()
        || seconds.longValue() < 0
        || seconds.longValue() > Instant.MAX.getEpochSecond() / 2) {
      throw malformed();
    }
    return Instant.ofEpochSecond(seconds.longValue());
  }

  private static EvidenceRejectedException malformed() {
    return new EvidenceRejectedException("delegation_malformed");
  }
}
