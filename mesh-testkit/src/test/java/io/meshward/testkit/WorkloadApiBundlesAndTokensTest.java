package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.Value;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.spiffe.workloadapi.grpc.Workload.JWTSVID;
import io.spiffe.workloadapi.grpc.Workload.JWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDRequest;
import io.spiffe.workloadapi.grpc.Workload.ValidateJWTSVIDResponse;
import io.spiffe.workloadapi.grpc.Workload.X509BundlesResponse;
import io.spiffe.workloadapi.grpc.Workload.X509SVIDResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WorkloadApiBundlesAndTokensTest {

  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId AUDIT = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/audit");
  private static final SpiffeId PARTNER = SpiffeId.parse("spiffe://partner.test/billing");
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @TempDir Path directory;

  private final SettableClock clock = new SettableClock(Instant.parse("2026-03-01T12:00:00Z"));
  private final TestTrustDomain shop = TestTrustDomain.create(ORDERS.trustDomain(), clock);
  private final TestTrustDomain partner = TestTrustDomain.create(PARTNER.trustDomain(), clock);
  private TestWorkloadApi api;
  private WorkloadApiClient client;

  @BeforeEach
  void start() {
    api =
        TestWorkloadApi.start(
            directory.resolve("s"),
            shop,
            WorkloadEntry.of(ORDERS).hint("internal"),
            WorkloadEntry.of(AUDIT).jwtTimeToLive(MINUTE));
    client = WorkloadApiClient.of(api);
  }

  @AfterEach
  void stop() {
    client.close();
    api.close();
  }

  @Test
  void pushesEachStepOfARootsRotation() throws Exception {
    var svids = client.x509Svids();
    var bundles = client.x509Bundles();
    ByteString first = bundles.next().getBundlesOrThrow("spiffe://shop.test");
    assertThat(svids.next().getSvids(0).getBundle()).isEqualTo(first);

    shop.prepareX509Authority();
    ByteString prepared = bundles.next().getBundlesOrThrow("spiffe://shop.test");
    assertThat(svids.next().getSvids(0).getBundle()).isEqualTo(prepared);
    assertThat(Der.certificates(prepared.toByteArray())).hasSize(2);

    shop.activateX509Authority();
    bundles.next();
    svids.next();
    api.rotate();
    bundles.next();
    X509SVIDResponse rotated = svids.next();
    shop.retireX509Authorities();
    ByteString last = bundles.next().getBundlesOrThrow("spiffe://shop.test");
    Der.certificates(rotated.getSvids(0).getX509Svid().toByteArray())
        .get(0)
        .verify(Der.certificates(last.toByteArray()).get(0).getPublicKey());
  }

  @Test
  void givesAndTakesTheBundlesOfFederatedTrustDomains() throws Exception {
    var svids = client.x509Svids();
    var bundles = client.x509Bundles();
    assertThat(svids.next().getFederatedBundlesMap()).isEmpty();
    assertThat(bundles.next().getBundlesMap()).containsOnlyKeys("spiffe://shop.test");

    shop.federateWith(partner);
    assertThat(svids.next().getFederatedBundlesMap())
        .containsOnlyKeys("spiffe://partner.test")
        .containsValue(ByteString.copyFrom(partner.x509Bundle()));
    assertThat(bundles.next().getBundlesMap())
        .containsOnlyKeys("spiffe://shop.test", "spiffe://partner.test");

    partner.prepareX509Authority();
    assertThat(svids.next().getFederatedBundlesMap())
        .containsValue(ByteString.copyFrom(partner.x509Bundle()));
    assertThat(bundles.next().getBundlesCount()).isEqualTo(2);

    shop.stopFederatingWith(partner);
    assertThat(svids.next().getFederatedBundlesMap()).isEmpty();
    X509BundlesResponse last = bundles.next();
    assertThat(last.getBundlesMap()).containsOnlyKeys("spiffe://shop.test");
    partner.prepareX509Authority();
    api.rotate();
    assertThat(bundles.next()).isEqualTo(last);
  }

  @Test
  void pushesTheKeysOfJwtSvids() throws Exception {
    var bundles = client.jwtBundles();
    assertThat(jwtKeys(bundles.next().getBundlesOrThrow("spiffe://shop.test"))).isEqualTo(1);

    shop.rotateJwtAuthority();

    assertThat(jwtKeys(bundles.next().getBundlesOrThrow("spiffe://shop.test"))).isEqualTo(2);
  }

  @Test
  void issuesJwtSvidsForAllIdentities() throws Exception {
    List<JWTSVID> svids =
        client
            .blocking()
            .fetchJWTSVID(JWTSVIDRequest.newBuilder().addAudience("payments").build())
            .getSvidsList();

    assertThat(svids)
        .extracting(JWTSVID::getSpiffeId)
        .containsExactly(ORDERS.toString(), AUDIT.toString());
    assertThat(svids).extracting(JWTSVID::getHint).containsExactly("internal", "");
    JWTClaimsSet claims = SignedJWT.parse(svids.get(1).getSvid()).getJWTClaimsSet();
    assertThat(claims.getSubject()).isEqualTo(AUDIT.toString());
    assertThat(claims.getAudience()).containsExactly("payments");
    assertThat(claims.getExpirationTime()).isEqualTo(Date.from(clock.instant().plus(MINUTE)));
    assertThat(api.calls().fetchJwtSvid()).isEqualTo(1);
  }

  @Test
  void issuesTheJwtSvidThatIsAskedFor() {
    var request = JWTSVIDRequest.newBuilder().addAudience("payments").setSpiffeId(AUDIT.toString());

    assertThat(client.blocking().fetchJWTSVID(request.build()).getSvidsList())
        .singleElement()
        .extracting(JWTSVID::getSpiffeId)
        .isEqualTo(AUDIT.toString());
  }

  @Test
  void refusesJwtSvidsAsTheStandardSays() {
    var audience = JWTSVIDRequest.newBuilder().addAudience("payments");

    assertThat(fetchFailure(JWTSVIDRequest.newBuilder())).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(fetchFailure(audience.setSpiffeId("orders")))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(fetchFailure(audience.setSpiffeId(PARTNER.toString())))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    api.redact();
    assertThat(fetchFailure(audience.clearSpiffeId())).isEqualTo(Status.Code.PERMISSION_DENIED);
    api.failWith(Status.UNAVAILABLE);
    assertThat(fetchFailure(audience)).isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void validatesJwtSvids() {
    ValidateJWTSVIDResponse valid =
        client.blocking().validateJWTSVID(validation(plain(ORDERS), "payments"));

    assertThat(valid.getSpiffeId()).isEqualTo(ORDERS.toString());
    assertThat(valid.getClaims().getFieldsMap())
        .containsOnlyKeys("sub", "aud", "exp", "iat")
        .containsEntry("sub", Value.newBuilder().setStringValue(ORDERS.toString()).build());
    assertThat(valid.getClaims().getFieldsOrThrow("exp").getNumberValue())
        .isEqualTo((double) clock.instant().plus(MINUTE).getEpochSecond());
    assertThat(api.calls().validateJwtSvid()).isEqualTo(1);
  }

  @Test
  void validatesJwtSvidsOfFederatedTrustDomainsOnly() {
    String foreign = partner.issueJwt(PARTNER, Set.of("payments"), MINUTE);
    assertThat(validationFailure(foreign, "payments")).isEqualTo(Status.Code.INVALID_ARGUMENT);

    shop.federateWith(partner);

    assertThat(client.blocking().validateJWTSVID(validation(foreign, "payments")).getSpiffeId())
        .isEqualTo(PARTNER.toString());
    String forged = partner.issueJwt(ORDERS, Set.of("payments"), MINUTE);
    assertThat(validationFailure(forged, "payments")).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  @ParameterizedTest
  @MethodSource
  void refusesJwtSvidsThatDoNotHold(WrongToken wrong) {
    String token = wrong.make().from(shop, clock);

    assertThat(validationFailure(token, "payments"))
        .as(wrong.name())
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  static Stream<WrongToken> refusesJwtSvidsThatDoNotHold() {
    return Stream.of(
        new WrongToken("no token", (trustDomain, now) -> "token"),
        new WrongToken("nothing", (trustDomain, now) -> ""),
        new WrongToken(
            "other audience",
            (trustDomain, now) -> trustDomain.issueJwt(ORDERS, Set.of("audit"), MINUTE)),
        new WrongToken(
            "expired",
            (trustDomain, now) -> {
              String token = trustDomain.issueJwt(ORDERS, Set.of("payments"), MINUTE);
              now.advance(MINUTE);
              return token;
            }),
        new WrongToken(
            "changed claims",
            (trustDomain, now) -> {
              String[] one =
                  trustDomain.issueJwt(ORDERS, Set.of("payments"), MINUTE).split("\\.", -1);
              String[] other =
                  trustDomain.issueJwt(AUDIT, Set.of("payments"), MINUTE).split("\\.", -1);
              return one[0] + "." + other[1] + "." + one[2];
            }),
        new WrongToken(
            "retired key",
            (trustDomain, now) -> {
              String token = trustDomain.issueJwt(ORDERS, Set.of("payments"), MINUTE);
              trustDomain.rotateJwtAuthority();
              trustDomain.retireJwtAuthorities();
              return token;
            }),
        new WrongToken(
            "unsigned", (trustDomain, now) -> new PlainJWT(claims(now).build()).serialize()),
        new WrongToken(
            "no subject",
            (trustDomain, now) ->
                trustDomain.signJwt(header().build(), claims(now).subject(null).build())),
        new WrongToken(
            "no SPIFFE ID",
            (trustDomain, now) ->
                trustDomain.signJwt(header().build(), claims(now).subject("orders").build())),
        new WrongToken(
            "no expiration",
            (trustDomain, now) ->
                trustDomain.signJwt(header().build(), claims(now).expirationTime(null).build())),
        new WrongToken(
            "not valid yet",
            (trustDomain, now) ->
                trustDomain.signJwt(
                    header().build(),
                    claims(now).notBeforeTime(Date.from(now.instant().plusSeconds(30))).build())),
        new WrongToken(
            "other type",
            (trustDomain, now) ->
                trustDomain.signJwt(
                    header().type(new JOSEObjectType("at+jwt")).build(), claims(now).build())),
        new WrongToken(
            "critical header",
            (trustDomain, now) ->
                trustDomain.signJwt(
                    header().criticalParams(Set.of("b64")).base64URLEncodePayload(true).build(),
                    claims(now).build())));
  }

  @Test
  void refusesValidationWithoutAnAudience() {
    assertThat(validationFailure(plain(ORDERS), "")).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  record WrongToken(String name, Making make) {

    interface Making {
      String from(TestTrustDomain trustDomain, SettableClock clock);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static JWSHeader.Builder header() {
    return new JWSHeader.Builder(JWSAlgorithm.ES256);
  }

  private static JWTClaimsSet.Builder claims(SettableClock clock) {
    return new JWTClaimsSet.Builder()
        .subject(ORDERS.toString())
        .audience("payments")
        .expirationTime(Date.from(clock.instant().plus(MINUTE)));
  }

  private String plain(SpiffeId id) {
    return shop.issueJwt(id, Set.of("payments", "audit"), MINUTE);
  }

  private static ValidateJWTSVIDRequest validation(String token, String audience) {
    return ValidateJWTSVIDRequest.newBuilder().setSvid(token).setAudience(audience).build();
  }

  private Status.Code validationFailure(String token, String audience) {
    return failure(() -> client.blocking().validateJWTSVID(validation(token, audience)));
  }

  private Status.Code fetchFailure(JWTSVIDRequest.Builder request) {
    return failure(() -> client.blocking().fetchJWTSVID(request.build()));
  }

  private static Status.Code failure(ThrowingCallable call) {
    return catchThrowableOfType(StatusRuntimeException.class, call).getStatus().getCode();
  }

  private static int jwtKeys(ByteString bundle) throws Exception {
    return JWKSet.parse(bundle.toStringUtf8()).getKeys().size();
  }
}
