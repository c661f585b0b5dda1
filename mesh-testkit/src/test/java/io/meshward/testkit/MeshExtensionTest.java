package io.meshward.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;

class MeshExtensionTest {
  private static final String ORDERS = "/ns/shop/sa/orders";

  @RegisterExtension static final MeshExtension shared = MeshExtension.of("shop.test");

  @RegisterExtension final MeshExtension own = MeshExtension.of("own.test");

  @Test
  void aTestFindsItsMeshRunning() {
    assertThat(shared.id(ORDERS)).hasToString("spiffe://shop.test/ns/shop/sa/orders");
    assertThat(socket(shared)).exists();
    assertThat(own.trustDomain().name()).hasToString("own.test");
    assertThat(shared.workload(ORDERS).svids()).hasSize(1);
  }

  @Nested
  class InANestedClass {
    @Test
    void theMeshOfTheClassAroundItRunsOn() {
      assertThat(socket(shared)).exists();
    }
  }

  @Test
  void oneOfATestEndsWithItAndOneOfAClassWithTheLastClass() throws Exception {
    MeshExtension ofTest = MeshExtension.of("one.test");
    ofTest.beforeEach(context());
    Path socket = socket(ofTest);
    assertThat(socket).exists();
    ofTest.afterEach(context());
    assertThat(socket).doesNotExist();

    MeshExtension ofClass = MeshExtension.of("two.test");
    ofClass.beforeAll(context());
    ofClass.beforeEach(context());
    Path kept = socket(ofClass);
    ofClass.afterEach(context());
    ofClass.beforeAll(context());
    ofClass.afterAll(context());
    assertThat(kept).exists();
    ofClass.afterAll(context());
    assertThat(kept).doesNotExist();
  }

  @Test
  void whatATestOpenedIsClosedBeforeTheMeshTheLastOneFirstAlsoIfOneFails() {
    MeshExtension mesh = MeshExtension.of("one.test");
    mesh.beforeEach(context());
    Path socket = socket(mesh);
    List<String> closed = new ArrayList<>();
    mesh.closing(() -> closed.add("first, mesh runs: " + Files.exists(socket)));
    mesh.closing(
        () -> {
          closed.add("second");
          throw new IllegalStateException("the second fails");
        });

    assertThatThrownBy(() -> mesh.afterEach(context())).hasMessage("the second fails");

    assertThat(closed).containsExactly("second", "first, mesh runs: true");
    assertThat(socket).doesNotExist();
  }

  @Test
  void outsideOfTestsItSaysWhatIsMissing() {
    MeshExtension mesh = MeshExtension.of("one.test");

    assertThatThrownBy(mesh::mesh)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("one.test")
        .hasMessageContaining("registers this extension");
  }

  private static Path socket(MeshExtension mesh) {
    return mesh.workload(ORDERS).socket();
  }

  /** Nothing is asked of it. */
  private static ExtensionContext context() {
    return (ExtensionContext)
        Proxy.newProxyInstance(
            MeshExtensionTest.class.getClassLoader(),
            new Class<?>[] {ExtensionContext.class},
            (proxy, method, arguments) -> {
              throw new UnsupportedOperationException(method.getName());
            });
  }
}
