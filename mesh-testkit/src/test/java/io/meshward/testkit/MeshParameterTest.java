package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MeshExtension.class)
class MeshParameterTest {

  @Test
  void aTestMayTakeTheMeshAsAParameter(TestMesh mesh) {
    assertThat(mesh.trustDomain().name()).hasToString("example.org");
    assertThat(mesh.workload("/ns/shop/sa/orders").socket()).exists();
  }
}
