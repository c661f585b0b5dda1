package io.meshward.testkit;

import io.meshward.schemas.SpiffeId;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A {@link TestMesh} for the tests of a service, with JUnit Jupiter: real mutual TLS, and no SPIRE.
 *
 * <pre>{@code
 * @RegisterExtension
 * static final MeshExtension mesh = MeshExtension.of("shop.test");
 *
 * @Test
 * void servesTheFrontend() {
 *   MeshRuntime orders = mesh.closing(
 *       MeshRuntime.builder().workloadApi(mesh.addressFor("/ns/shop/sa/orders")). … .start());
 * }
 * }</pre>
 *
 * <p>In a static field, or with {@code @ExtendWith}, the mesh lives as long as the test class; in
 * another field, as long as one test. Tests may also take it as a parameter of type {@link
 * TestMesh}. What is given to {@link #closing} is closed after each test, the last one first, and
 * before the mesh. Safe for use by several threads.
 */
public final class MeshExtension
    implements BeforeAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        AfterAllCallback,
        ParameterResolver {
  private static final String DEFAULT_TRUST_DOMAIN = "example.org";

  private final String trustDomain;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private @Nullable TestMesh mesh;
  private int classes;

  /** A mesh of the trust domain {@code example.org}, for {@code @ExtendWith}. */
  public MeshExtension() {
    this(DEFAULT_TRUST_DOMAIN);
  }

  private MeshExtension(String trustDomain) {
    this.trustDomain = trustDomain;
  }

  /** A mesh of a new trust domain of this name. */
  public static MeshExtension of(String trustDomain) {
    return new MeshExtension(trustDomain);
  }

  /**
   * The mesh as it runs.
   *
   * @throws IllegalStateException outside of tests
   */
  public synchronized TestMesh mesh() {
    if (mesh == null) {
      throw new IllegalStateException(
          "the mesh of "
              + trustDomain
              + " does not run: it does in a test whose class registers this extension");
    }
    return mesh;
  }

  /** The trust domain: its authorities, their rotation, federation. */
  public TestTrustDomain trustDomain() {
    return mesh().trustDomain();
  }

  /** The SPIFFE ID of a path in the trust domain. */
  public SpiffeId id(String path) {
    return trustDomain().name().id(path);
  }

  /** Where the Workload API of the workload with this path listens. */
  public String addressFor(String path) {
    return mesh().addressFor(path);
  }

  /** The Workload API of the workload with this path: to rotate, redact, fail. */
  public TestWorkloadApi workload(String path) {
    return mesh().workload(path);
  }

  /** Closes something after the test. */
  public synchronized <T extends AutoCloseable> T closing(T part) {
    opened.push(part);
    return part;
  }

  @Override
  public synchronized void beforeAll(ExtensionContext context) {
    classes++;
    start();
  }

  @Override
  public synchronized void beforeEach(ExtensionContext context) {
    start();
  }

  private void start() {
    if (mesh == null) {
      mesh = TestMesh.start(trustDomain);
    }
  }

  @Override
  public synchronized void afterEach(ExtensionContext context) throws Exception {
    try {
      closeOpened();
    } finally {
      if (classes == 0) {
        stop();
      }
    }
  }

  @Override
  public synchronized void afterAll(ExtensionContext context) throws Exception {
    classes--;
    if (classes == 0) {
      try {
        closeOpened();
      } finally {
        stop();
      }
    }
  }

  private void closeOpened() throws Exception {
    Exception first = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private void stop() {
    if (mesh != null) {
      mesh.close();
      mesh = null;
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TestMesh.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return mesh();
  }
}
