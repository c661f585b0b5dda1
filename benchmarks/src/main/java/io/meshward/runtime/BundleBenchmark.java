package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.TrustDomain;
import io.meshward.testkit.TestTrustDomain;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to read the bundle of a trust domain, by its number of authorities (P-256). */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class BundleBenchmark {
  private static final TrustDomain SHOP = TrustDomain.parse("shop.test");
  private static final int COORDINATE_BYTES = 32;

  @Param({"1", "10", "100"})
  public int keys;

  private byte[] jwt = {};
  private byte[] x509 = {};
  private byte[] der = {};

  @Setup
  public void issue() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    List<String> jwtKeys = new ArrayList<>();
    List<String> x509Keys = new ArrayList<>();
    ByteArrayOutputStream certificates = new ByteArrayOutputStream();
    for (int i = 0; i < keys; i++) {
      ECPublicKey key = (ECPublicKey) generator.generateKeyPair().getPublic();
      jwtKeys.add("{'use':'jwt-svid','kid':'" + i + "'," + parameters(key) + "}");
      X509Certificate authority = TestTrustDomain.create(SHOP.name()).x509Authorities().get(0);
      certificates.writeBytes(authority.getEncoded());
      x509Keys.add(
          "{'use':'x509-svid',"
              + parameters((ECPublicKey) authority.getPublicKey())
              + ",'x5c':['"
              + Base64.getEncoder().encodeToString(authority.getEncoded())
              + "']}");
    }
    jwt = document(jwtKeys);
    x509 = document(x509Keys);
    der = certificates.toByteArray();
  }

  private static String parameters(ECPublicKey key) {
    return "'kty':'EC','crv':'P-256','x':'"
        + coordinate(key.getW().getAffineX())
        + "','y':'"
        + coordinate(key.getW().getAffineY())
        + "'";
  }

  private static String coordinate(BigInteger value) {
    byte[] signed = value.toByteArray();
    byte[] fixed = new byte[COORDINATE_BYTES];
    int length = Math.min(signed.length, COORDINATE_BYTES);
    System.arraycopy(signed, signed.length - length, fixed, COORDINATE_BYTES - length, length);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(fixed);
  }

  private static byte[] document(List<String> entries) {
    return entries.stream()
        .collect(Collectors.joining(",", "{'spiffe_sequence':1,'keys':[", "]}"))
        .replace('\'', '"')
        .getBytes(UTF_8);
  }

  /** A JWK set of authorities for JWT-SVIDs, as a bundle endpoint and the Workload API serve it. */
  @Benchmark
  public Object jwtKeys() throws MalformedBundleException {
    SpiffeBundle bundle = SpiffeBundle.parse(SHOP, jwt);
    return whole(bundle, bundle.jwt().authorities());
  }

  /** A JWK set of authorities for X.509-SVIDs, as a bundle endpoint serves it. */
  @Benchmark
  public Object x509Keys() throws MalformedBundleException {
    SpiffeBundle bundle = SpiffeBundle.parse(SHOP, x509);
    return whole(bundle, bundle.x509().authorities());
  }

  /** Certificates of authorities one after the other, as the Workload API serves them. */
  @Benchmark
  public Object x509Der() throws CertificateException {
    return new TrustBundle(SHOP, Certificates.parseDer(der));
  }

  /** What leaves keys out would measure something else. */
  private SpiffeBundle whole(SpiffeBundle bundle, List<?> read) {
    if (read.size() != keys) {
      throw new IllegalStateException(keys + " keys are expected, were " + read.size());
    }
    return bundle;
  }
}
