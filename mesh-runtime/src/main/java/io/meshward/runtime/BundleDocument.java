package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.schemas.TrustDomain;
import java.math.BigInteger;
import java.security.PublicKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes this workload's own trust domain as a SPIFFE bundle (Trust Domain and Bundle 4).
 *
 * <p>It has no {@code spiffe_sequence}, which may be left out (4.1.1): the Workload API tells none,
 * and one that each process made up for itself would go back whenever a client asks another
 * replica, or one that was restarted; that is what a rollback looks like. Thread-safe.
 */
final class BundleDocument implements Supplier<byte[]> {
  /** How often others are asked to fetch it: the default of the standard. */
  private static final Duration REFRESH_HINT = Duration.ofMinutes(5);

  private static final Logger log = LoggerFactory.getLogger(BundleDocument.class);
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Supplier<WorkloadIdentity> identity;
  private final Function<TrustDomain, List<JwtAuthority>> jwtAuthorities;

  /**
   * @param identity this workload's, with its bundles
   * @param jwtAuthorities of a trust domain
   */
  BundleDocument(
      Supplier<WorkloadIdentity> identity,
      Function<TrustDomain, List<JwtAuthority>> jwtAuthorities) {
    this.identity = identity;
    this.jwtAuthorities = jwtAuthorities;
  }

  /**
   * The bundle as of now.
   *
   * @throws MeshRuntimeException if there is no SVID, or nothing is known of JWT authorities
   */
  @Override
  public byte[] get() {
    WorkloadIdentity now = identity.get();
    TrustDomain domain = now.svid().id().trustDomain();
    TrustBundle bundle = now.bundles().get(domain);
    return of(bundle == null ? List.of() : bundle.authorities(), jwtAuthorities.apply(domain));
  }

  private static byte[] of(List<X509Certificate> x509, List<JwtAuthority> jwt) {
    ArrayNode keys = JSON.arrayNode();
    for (X509Certificate authority : x509) {
      ObjectNode key = key(authority.getPublicKey());
      if (key == null) {
        log.atError()
            .addKeyValue("authority", authority.getSubjectX500Principal())
            .addKeyValue("algorithm", authority.getPublicKey().getAlgorithm())
            .log("an authority cannot be published: its key is neither EC nor RSA");
        continue;
      }
      key.put("use", "x509-svid");
      key.putArray("x5c").add(Base64.getEncoder().encodeToString(encoded(authority)));
      keys.add(key);
    }
    for (JwtAuthority authority : jwt) {
      ObjectNode key = key(authority.key());
      if (key != null) {
        key.put("use", "jwt-svid");
        key.put("kid", authority.keyId());
        if (authority.algorithm() != null) {
          key.put("alg", authority.algorithm());
        }
        keys.add(key);
      }
    }
    ObjectNode document = JSON.objectNode();
    document.set("keys", keys);
    document.put("spiffe_refresh_hint", REFRESH_HINT.toSeconds());
    return document.toString().getBytes(UTF_8);
  }

  private static @Nullable ObjectNode key(PublicKey key) {
    return switch (key) {
      case ECPublicKey curve -> {
        int bits = curve.getParams().getCurve().getField().getFieldSize();
        int bytes = (bits + 7) / 8;
        yield JSON.objectNode()
            .put("kty", "EC")
            .put("crv", "P-" + bits)
            .put("x", number(curve.getW().getAffineX(), bytes))
            .put("y", number(curve.getW().getAffineY(), bytes));
      }
      case RSAPublicKey rsa ->
          JSON.objectNode()
              .put("kty", "RSA")
              .put("n", number(rsa.getModulus(), (rsa.getModulus().bitLength() + 7) / 8))
              .put("e", number(rsa.getPublicExponent(), 1));
      default -> null;
    };
  }

  /** Big-endian, in at least that many bytes and without a sign (RFC 7518 6.2.1.2, 6.3.1.1). */
  private static String number(BigInteger value, int bytes) {
    byte[] signed = value.toByteArray();
    int from = signed.length > 1 && signed[0] == 0 ? 1 : 0;
    byte[] plain = Arrays.copyOfRange(signed, from, signed.length);
    byte[] padded = new byte[Math.max(bytes, plain.length)];
    System.arraycopy(plain, 0, padded, padded.length - plain.length, plain.length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(padded);
  }

  private static byte[] encoded(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read can be written", e);
    }
  }
}
