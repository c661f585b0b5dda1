package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.SignedJWT;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.spiffe.workloadapi.grpc.Workload.JWTSVID;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.X509SVID;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a workload meets is the same at a real SPIRE agent and at our double. */
class WorkloadApiContractTest {

  private static final WorkloadEntry ORDERS =
      entry("spiffe://shop.test/ns/shop/sa/orders").hint("internal");
  private static final WorkloadEntry AUDIT = entry("spiffe://shop.test/ns/shop/sa/audit");

  @Test
  void isHeldByTheDouble(@TempDir Path directory) throws Exception {
    var shop = TestTrustDomain.create("shop.test");
    try (var api = TestWorkloadApi.start(directory.resolve("s"), shop)) {
      var entitled = new ArrayList<WorkloadEntry>();
      hold(
          api.socket(),
          entry -> {
            entitled.add(entry);
            api.serve(entitled.toArray(WorkloadEntry[]::new));
          });
    }
  }

  @Test
  void isHeldBySpire() throws Exception {
    assumeTrue(
        RealSpire.binaries().isPresent(),
        "set " + RealSpire.FOLDER_VARIABLE + " to the folder of a SPIRE release to run this");
    try (var spire =
        RealSpire.start(RealSpire.binaries().orElseThrow(), ORDERS.id().trustDomain())) {
      hold(spire.socket(), spire::register);
    }
  }

  private static void hold(Path socket, Consumer<WorkloadEntry> register) throws Exception {
    refusesWithoutTheSecurityHeader(socket);
    try (var client = WorkloadApiClient.of(socket)) {
      refusesWhoIsEntitledToNothing(client);
      register.accept(ORDERS);
      X509SVID first = firstSvid(client);
      checkX509Svid(first);
      checkBundles(client, first);
      checkJwtSvids(client);
      checkValidation(client);
      pushesTheFullStateWhenItChanges(client, register);
    }
  }

  private static void refusesWithoutTheSecurityHeader(Path socket) throws Exception {
    try (var client = WorkloadApiClient.withSecurityHeader(socket)) {
      Status end = client.x509Svids().end();
      assertThat(end.getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(end.getDescription()).isEqualTo("security header missing from request");
    }
    try (var client = WorkloadApiClient.withSecurityHeader(socket, "true", "true")) {
      assertThat(client.x509Bundles().end().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    }
  }

  private static void refusesWhoIsEntitledToNothing(WorkloadApiClient client) throws Exception {
    Status end = client.x509Svids().end();
    assertThat(end.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end.getDescription()).isEqualTo("no identity issued");
    assertThat(client.x509Bundles().end()).hasToString(end.toString());
    assertThat(client.jwtBundles().end()).hasToString(end.toString());
    assertThat(failureOf(() -> client.blocking().fetchJWTSVID(audience().build())))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  private static X509SVID firstSvid(WorkloadApiClient client) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (true) {
      try {
        return client.x509Svids().next().getSvids(0);
      } catch (StatusRuntimeException e) {
        // The agent hears of an entry within seconds.
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(System.nanoTime()).isLessThan(deadline);
      }
    }
  }

  private static void checkX509Svid(X509SVID svid) throws Exception {
    assertThat(svid.getSpiffeId()).isEqualTo(ORDERS.id().toString());
    assertThat(svid.getHint()).isEqualTo("internal");
    List<X509Certificate> chain = Der.certificates(svid.getX509Svid().toByteArray());
    assertThat(chain).hasSize(1);
    X509Certificate leaf = chain.get(0);
    assertThat(leaf.getSubjectAlternativeNames())
        .singleElement()
        .isEqualTo(List.of(6, ORDERS.id().toString()));
    assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
    assertThat(leaf.getKeyUsage()).startsWith(true, false, true, false, true, false, false);
    assertThat(leaf.getCriticalExtensionOIDs()).containsExactlyInAnyOrder("2.5.29.15", "2.5.29.19");
    assertThat(leaf.getNonCriticalExtensionOIDs())
        .containsExactlyInAnyOrder("2.5.29.37", "2.5.29.14", "2.5.29.35", "2.5.29.17");
    assertThat(leaf.getExtendedKeyUsage())
        .containsExactly("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    assertThat(leaf.getPublicKey().getAlgorithm()).isEqualTo("EC");
    assertThat(leaf.getSubjectX500Principal().getName()).isNotEmpty();
    X509Certificate root = Der.certificates(svid.getBundle().toByteArray()).get(0);
    leaf.verify(root.getPublicKey());
    assertThat(root.getSubjectAlternativeNames())
        .singleElement()
        .isEqualTo(List.of(6, "spiffe://shop.test"));
    assertThat(root.getBasicConstraints()).isNotNegative();
  }

  private static void checkBundles(WorkloadApiClient client, X509SVID svid) throws Exception {
    assertThat(client.x509Bundles().next().getBundlesMap())
        .containsExactly(Map.entry("spiffe://shop.test", svid.getBundle()));
    ByteString keys = client.jwtBundles().next().getBundlesOrThrow("spiffe://shop.test");
    Map<String, Object> set = JSONObjectUtils.parse(keys.toStringUtf8());
    assertThat(set).containsOnlyKeys("keys");
    assertThat(JSONObjectUtils.getJSONObjectArray(set, "keys"))
        .isNotEmpty()
        .allSatisfy(key -> assertThat(key).containsOnlyKeys("kty", "kid", "crv", "x", "y"));
  }

  private static void checkJwtSvids(WorkloadApiClient client) throws Exception {
    JWTSVID svid = client.blocking().fetchJWTSVID(audience().build()).getSvids(0);
    assertThat(svid.getSpiffeId()).isEqualTo(ORDERS.id().toString());
    assertThat(svid.getHint()).isEqualTo("internal");
    SignedJWT token = SignedJWT.parse(svid.getSvid());
    assertThat(token.getHeader().toJSONObject()).containsOnlyKeys("alg", "kid", "typ");
    assertThat(token.getHeader().getAlgorithm()).hasToString("ES256");
    Map<String, Object> claims = token.getPayload().toJSONObject();
    assertThat(claims)
        .containsOnlyKeys("aud", "exp", "iat", "sub")
        .containsEntry("aud", List.of("payments"))
        .containsEntry("sub", ORDERS.id().toString());

    assertThat(failureOf(() -> client.blocking().fetchJWTSVID(audience().clearAudience().build())))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(failureOf(() -> client.blocking().fetchJWTSVID(audience().setSpiffeId("x").build())))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    var another = audience().setSpiffeId(AUDIT.id().toString()).build();
    assertThat(failureOf(() -> client.blocking().fetchJWTSVID(another)))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  private static void checkValidation(WorkloadApiClient client) {
    String token = client.blocking().fetchJWTSVID(audience().build()).getSvids(0).getSvid();
    var request = ValidateJWTSVIDRequest.newBuilder().setAudience("payments").setSvid(token);
    var valid = client.blocking().validateJWTSVID(request.build());
    assertThat(valid.getSpiffeId()).isEqualTo(ORDERS.id().toString());
    assertThat(valid.getClaims().getFieldsMap()).containsOnlyKeys("aud", "exp", "iat", "sub");

    String foreign =
        TestTrustDomain.create("shop.test")
            .issueJwt(ORDERS.id(), Set.of("payments"), Duration.ofMinutes(1));
    for (var wrong :
        List.of(
            request.clone().setAudience("audit"),
            request.clone().setAudience(""),
            request.clone().setSvid(""),
            request.clone().setSvid("token"),
            request.clone().setSvid(foreign))) {
      assertThat(failureOf(() -> client.blocking().validateJWTSVID(wrong.build())))
          .isEqualTo(Status.Code.INVALID_ARGUMENT);
    }
  }

  private static void pushesTheFullStateWhenItChanges(
      WorkloadApiClient client, Consumer<WorkloadEntry> register) throws Exception {
    var stream = client.x509Svids();
    assertThat(stream.next().getSvidsList())
        .extracting(X509SVID::getSpiffeId)
        .containsExactly(ORDERS.id().toString());

    register.accept(AUDIT);

    List<String> served;
    do {
      // SPIRE may also tell again what it told before.
      served = stream.next().getSvidsList().stream().map(X509SVID::getSpiffeId).toList();
      assertThat(served).contains(ORDERS.id().toString());
    } while (served.size() == 1);
    assertThat(served).containsExactlyInAnyOrder(ORDERS.id().toString(), AUDIT.id().toString());
  }

  private static WorkloadEntry entry(String id) {
    return WorkloadEntry.of(SpiffeId.parse(id));
  }

  private static JWTSVIDRequest.Builder audience() {
    return JWTSVIDRequest.newBuilder().addAudience("payments");
  }

  private static Status.Code failureOf(ThrowingCallable call) {
    return catchThrowableOfType(StatusRuntimeException.class, call).getStatus().getCode();
  }
}
