package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PossessedKeyTest {
  @ParameterizedTest
  @ValueSource(strings = {"EC", "RSA"})
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
    for (String algorithm : List.of("X25519", "Ed25519")) {
      KeyPair other = KeyPairGenerator.getInstance(algorithm).generateKeyPair();
      assertThatThrownBy(
              () -> PossessedKey.read(other.getPrivate().getEncoded(), other.getPublic(), "it"))
          .hasMessageStartingWith("it has a key of algorithm ")
          .hasMessageEndingWith(": expected EC or RSA");
    }
    assertThatThrownBy(() -> PossessedKey.read(rsa.getPrivate().getEncoded(), ec.getPublic(), "it"))
        .hasMessageStartingWith("it has an unusable private key");
  }
}
