package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PossessedKeyTest {
  @ParameterizedTest
  @ValueSource(strings = {"EC", "RSA", "Ed25519"})
  void takesAKeyThatSignsForItsCertificateAndNoOther(String algorithm) throws Exception {
    KeyPair own = KeyPairGenerator.getInstance(algorithm).generateKeyPair();
    KeyPair other = KeyPairGenerator.getInstance(algorithm).generateKeyPair();

    assertThat(PossessedKey.read(own.getPrivate().getEncoded(), own.getPublic(), "it"))
        .isEqualTo(own.getPrivate());
    assertThatThrownBy(
            () -> PossessedKey.read(other.getPrivate().getEncoded(), own.getPublic(), "it"))
        .isInstanceOf(BadResponseException.class)
        .hasMessage("it has a private key of another certificate");
  }

  @Test
  void refusesOtherKindsOfKeysAndKeysOfAnotherKind() throws Exception {
    KeyPair ec = KeyPairGenerator.getInstance("EC").generateKeyPair();
    KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    KeyPair agreement = KeyPairGenerator.getInstance("X25519").generateKeyPair();

    assertThatThrownBy(
            () ->
                PossessedKey.read(agreement.getPrivate().getEncoded(), agreement.getPublic(), "it"))
        .hasMessageContaining("expected EC, RSA or EdDSA");
    assertThatThrownBy(() -> PossessedKey.read(rsa.getPrivate().getEncoded(), ec.getPublic(), "it"))
        .hasMessageStartingWith("it has an unusable private key");
  }
}
