package io.meshward.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.MalformedEventException;
import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.security.spec.ECFieldFp;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * The keys of a JWK set as SPIFFE uses it (Trust Domain and Bundle 4, RFC 7517). An entry that
 * cannot be used is left out alone: its neighbours go on, and nothing is trusted because of it.
 *
 * @param x509 certificates of authorities for X.509-SVIDs
 * @param jwt authorities for JWT-SVIDs
 * @param ignored what is wrong with each entry that was left out
 */
record JsonWebKeys(List<X509Certificate> x509, List<JwtAuthority> jwt, List<String> ignored) {
  private static final String X509_SVID = "x509-svid";
  private static final String JWT_SVID = "jwt-svid";
  private static final int SMALLEST_RSA_BITS = 2048;

  JsonWebKeys {
    x509 = List.copyOf(x509);
    jwt = List.copyOf(jwt);
    ignored = List.copyOf(ignored);
  }

  /**
   * Reads a document.
   *
   * @throws MalformedBundleException if it is no JSON object, or repeats a key
   */
  static JsonNode document(byte[] json) throws MalformedBundleException {
    try {
      JsonNode document = EventCodec.readTree(json);
      if (!document.isObject()) {
        throw new MalformedBundleException(
            "the bundle is JSON of type " + document.getNodeType() + ": expected an object");
      }
      return document;
    } catch (MalformedEventException e) {
      throw new MalformedBundleException("the bundle cannot be read: " + e.getMessage());
    }
  }

  /**
   * Reads the entries of {@code keys}.
   *
   * @param unmarkedAreJwt whether an entry without {@code use} is an authority for JWT-SVIDs, as in
   *     the JWT bundles of the Workload API, which SPIRE serves so; elsewhere it is ignored (Trust
   *     Domain and Bundle 4.2.2)
   * @throws MalformedBundleException if {@code keys} is absent or no array
   */
  static JsonWebKeys read(JsonNode document, boolean unmarkedAreJwt)
      throws MalformedBundleException {
    if (!document.path("keys").isArray()) {
      throw new MalformedBundleException("'keys' is absent or no array: expected a JWK set");
    }
    List<X509Certificate> x509 = new ArrayList<>();
    List<JwtAuthority> jwt = new ArrayList<>();
    List<String> ignored = new ArrayList<>();
    int index = 0;
    for (JsonNode entry : document.path("keys")) {
      String use =
          entry.path("use").isMissingNode() && unmarkedAreJwt
              ? JWT_SVID
              : entry.path("use").isTextual() ? entry.path("use").textValue() : "";
      try {
        switch (use) {
          case X509_SVID -> x509.add(certificate(entry));
          case JWT_SVID -> jwt.add(authority(entry));
          default -> throw new UnusableKeyException("'use' is absent or unknown");
        }
      } catch (UnusableKeyException e) {
        ignored.add("keys[" + index + "]: " + e.getMessage());
      }
      index++;
    }
    return new JsonWebKeys(x509, jwt, ignored);
  }

  private static X509Certificate certificate(JsonNode entry) throws UnusableKeyException {
    JsonNode chain = entry.path("x5c");
    // X509-SVID 6.2: of several values all but the first are ignored.
    if (!chain.isArray() || !chain.path(0).isTextual()) {
      throw new UnusableKeyException("'x5c' holds no certificate");
    }
    String kind = text(entry, "kty");
    if (!kind.equals("EC") && !kind.equals("RSA")) {
      throw new UnusableKeyException("key type '" + kind + "' is unknown");
    }
    try {
      List<X509Certificate> read =
          Certificates.parseDer(Base64.getDecoder().decode(chain.path(0).textValue()));
      if (read.size() != 1) {
        throw new UnusableKeyException("'x5c' holds " + read.size() + " certificates in one");
      }
      return read.get(0);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new UnusableKeyException("'x5c' cannot be read: " + e.getMessage());
    }
  }

  private static JwtAuthority authority(JsonNode entry) throws UnusableKeyException {
    String keyId = text(entry, "kid");
    String algorithm = entry.has("alg") ? text(entry, "alg") : null;
    String kind = text(entry, "kty");
    try {
      PublicKey key =
          switch (kind) {
            case "EC" -> ellipticCurveKey(entry);
            case "RSA" -> rsaKey(entry);
            default -> throw new UnusableKeyException("key type '" + kind + "' is unknown");
          };
      return new JwtAuthority(keyId, key, algorithm);
    } catch (GeneralSecurityException e) {
      throw new UnusableKeyException("the key cannot be used: " + e.getMessage());
    }
  }

  private static PublicKey rsaKey(JsonNode entry)
      throws UnusableKeyException, GeneralSecurityException {
    BigInteger modulus = number(entry, "n");
    // RFC 7518 3.3 demands it of every signature with RSA.
    if (modulus.bitLength() < SMALLEST_RSA_BITS) {
      throw new UnusableKeyException("an RSA key of " + modulus.bitLength() + " bits is too small");
    }
    return KeyFactory.getInstance("RSA")
        .generatePublic(new RSAPublicKeySpec(modulus, number(entry, "e")));
  }

  private static PublicKey ellipticCurveKey(JsonNode entry)
      throws UnusableKeyException, GeneralSecurityException {
    String name = text(entry, "crv");
    String curve =
        switch (name) {
          case "P-256" -> "secp256r1";
          case "P-384" -> "secp384r1";
          case "P-521" -> "secp521r1";
          default -> throw new UnusableKeyException("curve '" + name + "' is unknown");
        };
    AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
    parameters.init(new ECGenParameterSpec(curve));
    ECParameterSpec spec = parameters.getParameterSpec(ECParameterSpec.class);
    ECPoint point = new ECPoint(number(entry, "x"), number(entry, "y"));
    if (!isOnCurve(point, spec)) {
      throw new UnusableKeyException("the point is not on " + name);
    }
    return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(point, spec));
  }

  /** The JDK's key factory does not look. */
  private static boolean isOnCurve(ECPoint point, ECParameterSpec spec) {
    BigInteger prime = ((ECFieldFp) spec.getCurve().getField()).getP();
    BigInteger x = point.getAffineX();
    BigInteger y = point.getAffineY();
    BigInteger right = x.pow(3).add(spec.getCurve().getA().multiply(x)).add(spec.getCurve().getB());
    return x.compareTo(prime) < 0
        && y.compareTo(prime) < 0
        && y.multiply(y).subtract(right).mod(prime).signum() == 0;
  }

  private static BigInteger number(JsonNode entry, String field) throws UnusableKeyException {
    try {
      return new BigInteger(1, Base64Url.decode(text(entry, field)));
    } catch (IllegalArgumentException e) {
      throw new UnusableKeyException("'" + field + "' is no base64url");
    }
  }

  private static String text(JsonNode entry, String field) throws UnusableKeyException {
    String text = entry.path(field).textValue();
    if (text == null || text.isEmpty()) {
      throw new UnusableKeyException("'" + field + "' is absent, empty or no text");
    }
    return text;
  }

  /** One entry that has to be left out. */
  private static final class UnusableKeyException extends Exception {
    private static final long serialVersionUID = 1L;

    UnusableKeyException(String message) {
      super(message);
    }
  }
}
