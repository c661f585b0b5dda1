package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.net.InetAddress;
import java.util.Map;
import javax.security.sasl.SaslServer;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.PlaintextAuthenticationContext;
import org.apache.kafka.common.security.auth.SaslAuthenticationContext;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MeshPrincipalBuilderTest {
  private final TestMesh mesh = TestMesh.start("shop.test");
  private final SpiffeId orders = mesh.trustDomain().name().id("/ns/shop/sa/orders");
  private final MeshPrincipalBuilder builder = new MeshPrincipalBuilder();

  @BeforeEach
  void configure() {
    builder.configure(
        Map.of(
            KafkaSettings.WORKLOAD_API,
            mesh.addressFor("/ns/mesh/sa/broker"),
            KafkaSettings.QUARANTINE,
            "none"));
  }

  @AfterEach
  void close() {
    builder.close();
    mesh.close();
  }

  @ParameterizedTest
  @CsvSource({
    "PLAIN, spiffe://shop.test/ns/shop/sa/orders",
    "SCRAM-SHA-256, spiffe://shop.test/ns/shop/sa/orders",
    "SCRAM-SHA-512, spiffe://shop.test/ns/shop/sa/orders",
    "PLAIN, spiffe://other.test/a",
    "PLAIN, spiffe:",
    "PLAIN, spiffe:nonsense",
  })
  void aNameThatNoTokenProvedIsNoIdentity(String mechanism, String name) {
    assertThatThrownBy(() -> builder.build(user(mechanism, name)))
        .isInstanceOf(AuthenticationException.class)
        .hasMessage("the client is refused: the name " + name + " is not proved by a JWT-SVID");
  }

  @Test
  void aNameThatATokenProvedIs() {
    KafkaPrincipal principal = builder.build(user("OAUTHBEARER", orders.toString()));

    assertThat(principal.toString()).isEqualTo("User:" + orders);
    assertThat(builder.deserialize(builder.serialize(principal))).isEqualTo(principal);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe:",
        "spiffe://shop.test/a/",
        "spiffe://shop.test",
        "spiffe://shop.test/a b"
      })
  void aTokenOfAMalformedNameIsRefused(String name) {
    assertThatThrownBy(() -> builder.build(user("OAUTHBEARER", name)))
        .isInstanceOf(AuthenticationException.class)
        .hasMessageStartingWith("the client is refused: ");
  }

  @Test
  void otherNamesAreLeftToKafka() {
    assertThat(builder.build(user("PLAIN", "alice")).toString()).isEqualTo("User:alice");
    assertThat(builder.build(user("SCRAM-SHA-256", "SPIFFE://shop.test/a")).toString())
        .as("another name than that of any identity")
        .isEqualTo("User:SPIFFE://shop.test/a");
    assertThat(
            builder.build(
                new PlaintextAuthenticationContext(InetAddress.getLoopbackAddress(), "CLIENT")))
        .isEqualTo(KafkaPrincipal.ANONYMOUS);
  }

  private static SaslAuthenticationContext user(String mechanism, String name) {
    return new SaslAuthenticationContext(
        new Authenticated(mechanism, name),
        SecurityProtocol.SASL_SSL,
        InetAddress.getLoopbackAddress(),
        "CLIENT");
  }

  /** What Kafka knows of a client once a mechanism of SASL has ended well. */
  private record Authenticated(String mechanism, String name) implements SaslServer {
    @Override
    public String getMechanismName() {
      return mechanism;
    }

    @Override
    public String getAuthorizationID() {
      return name;
    }

    @Override
    public boolean isComplete() {
      return true;
    }

    @Override
    public @Nullable Object getNegotiatedProperty(String property) {
      return null;
    }

    @Override
    public byte[] evaluateResponse(byte[] response) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] unwrap(byte[] incoming, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] wrap(byte[] outgoing, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void dispose() {}
  }
}
