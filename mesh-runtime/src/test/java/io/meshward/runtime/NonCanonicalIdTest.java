package io.meshward.runtime;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jwt.JWTClaimsSet;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.meshward.schemas.AuthzDecision;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TlsHandshake;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.Variation;
import io.meshward.testkit.WorkloadEntry;
import java.time.Instant;
import java.util.Date;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * IDs that issuers write in upper case: SPIFFE-ID 2.4 has them accepted, as the same identity, and
 * the events tell of it.
 */
class NonCanonicalIdTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aServerLetsItsBearerInAndFlagsHandshakeAndDecision() {
    Server server = shop.serve(shop.ordersRuntime());

    assertThat(call(server, svid(shop.frontend, Variation.UPPER_CASE_TRUST_DOMAIN)))
        .contains(shop.frontend.toString());

    TlsHandshake handshake = handshake(shop.serverEvents, TlsHandshake.Result.SUCCESS);
    assertThat(handshake.peer().id()).isEqualTo(shop.frontend);
    assertThat(handshake.peer().trustDomain()).isEqualTo(shop.frontend.trustDomain());
    assertThat(handshake.peer().nonCanonical()).isTrue();
    AuthzDecision decision = shop.serverEvents.await(AuthzDecision.class, each -> true);
    assertThat(decision.peer().id()).isEqualTo(shop.frontend);
    assertThat(decision.peer().nonCanonical()).isTrue();
  }

  @Test
  void aServerDoesNotFlagACanonicalId() {
    Server server = shop.serve(shop.ordersRuntime());

    assertThat(call(server, svid(shop.frontend))).contains(shop.frontend.toString());

    assertThat(handshake(shop.serverEvents, TlsHandshake.Result.SUCCESS).peer().nonCanonical())
        .isNull();
    assertThat(shop.serverEvents.await(AuthzDecision.class, each -> true).peer().nonCanonical())
        .isNull();
  }

  @Test
  void aServerFlagsTheClaimOfOneThatItRefuses() {
    Server server = shop.serve(shop.ordersRuntime());
    IssuedSvid expired = svid(shop.frontend, Variation.UPPER_CASE_TRUST_DOMAIN, Variation.EXPIRED);

    assertThatThrownBy(() -> call(server, expired)).isInstanceOf(StatusRuntimeException.class);

    TlsHandshake refused = handshake(shop.serverEvents, TlsHandshake.Result.CERTIFICATE_EXPIRED);
    assertThat(refused.peer().id()).isNull();
    assertThat(refused.peer().claimedId()).isEqualTo("SPIFFE://SHOP.TEST" + Shop.FRONTEND_PATH);
    assertThat(refused.peer().nonCanonical()).isTrue();
  }

  @Test
  void aClientTakesAServerWithOneForTheServerItExpectsAndFlagsIt() {
    shop.mesh
        .workload(shop.orders)
        .serve(
            WorkloadEntry.of(shop.orders)
                .options(IssueOptions.DEFAULT.with(Variation.UPPER_CASE_TRUST_DOMAIN)));
    Server server = shop.serve(shop.ordersRuntime());

    Echo.call(shop.dial(shop.frontendRuntime(), server), "hello");

    TlsHandshake handshake = handshake(shop.clientEvents, TlsHandshake.Result.SUCCESS);
    assertThat(handshake.peer().id()).isEqualTo(shop.orders);
    assertThat(handshake.peer().nonCanonical()).isTrue();
  }

  @Test
  void aClientDoesNotFlagACanonicalId() {
    Server server = shop.serve(shop.ordersRuntime());

    Echo.call(shop.dial(shop.frontendRuntime(), server), "hello");

    assertThat(handshake(shop.clientEvents, TlsHandshake.Result.SUCCESS).peer().nonCanonical())
        .isNull();
  }

  @Test
  void theSubjectOfATokenIsFlaggedWhereItIsNotCanonical() {
    Server server =
        shop.serve(shop.ordersRuntime(orders -> orders.jwt(JwtOptions.forAudience("orders"))));
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);

    assertThat(withToken(channel, "SPIFFE://Shop.Test" + Shop.FRONTEND_PATH)).contains("frontend");
    AuthzDecision.Jwt flagged = token();
    assertThat(flagged.sub()).isEqualTo(shop.frontend.toString());
    assertThat(flagged.nonCanonical()).isTrue();

    shop.serverEvents.clear();
    assertThat(withToken(channel, shop.frontend.toString())).contains("frontend");
    assertThat(token().nonCanonical()).isNull();
  }

  private IssuedSvid svid(SpiffeId id, Variation... variations) {
    return shop.mesh.trustDomain().issue(id, IssueOptions.DEFAULT.with(variations));
  }

  private String call(Server server, IssuedSvid svid) {
    return Echo.call(shop.closing(Attacker.dial(server.getPort(), svid)), "hello");
  }

  private String withToken(ManagedChannel channel, String subject) {
    String token =
        shop.mesh
            .trustDomain()
            .signJwt(
                new JWSHeader.Builder(JWSAlgorithm.ES256).type(JOSEObjectType.JWT).build(),
                new JWTClaimsSet.Builder()
                    .subject(subject)
                    .audience("orders")
                    .expirationTime(Date.from(Instant.now().plusSeconds(300)))
                    .build());
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return Echo.call(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
        "hello");
  }

  private AuthzDecision.Jwt token() {
    return requireNonNull(
        shop.serverEvents.await(AuthzDecision.class, decision -> decision.jwt() != null).jwt());
  }

  private static TlsHandshake handshake(RecordingSink events, TlsHandshake.Result result) {
    return events.await(TlsHandshake.class, event -> event.tls().result() == result);
  }
}
