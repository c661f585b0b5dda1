package io.meshward.testkit;

import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A trust domain and the Workload APIs of its workloads in a temporary directory, for the tests of
 * services that embed the mesh runtime:
 *
 * <pre>{@code
 * try (var mesh = TestMesh.start("shop.test")) {
 *   var orders = runtime(mesh.addressFor("/ns/shop/sa/orders"));
 * }
 * }</pre>
 *
 * <p>Safe for use by several threads.
 */
public final class TestMesh implements AutoCloseable {

  private final TestTrustDomain trustDomain;
  private final Path directory;
  private final Map<SpiffeId, TestWorkloadApi> workloads = new LinkedHashMap<>();

  private TestMesh(TestTrustDomain trustDomain, Path directory) {
    this.trustDomain = trustDomain;
    this.directory = directory;
  }

  /** A mesh of a new trust domain. */
  public static TestMesh start(String trustDomain) {
    return start(TestTrustDomain.create(trustDomain));
  }

  /** A mesh of this trust domain. */
  public static TestMesh start(TestTrustDomain trustDomain) {
    try {
      return new TestMesh(trustDomain, UnixSocket.temporaryDirectory());
    } catch (IOException e) {
      throw new IllegalStateException("no temporary directory for Workload API sockets", e);
    }
  }

  public TestTrustDomain trustDomain() {
    return trustDomain;
  }

  /** The Workload API of the workload with this ID, started at the first call. */
  public synchronized TestWorkloadApi workload(SpiffeId id) {
    return workloads.computeIfAbsent(
        id,
        key ->
            TestWorkloadApi.start(
                directory.resolve(Integer.toString(workloads.size())),
                trustDomain,
                WorkloadEntry.of(key)));
  }

  /** The Workload API of the workload with this path in the trust domain. */
  public TestWorkloadApi workload(String path) {
    return workload(trustDomain.name().id(path));
  }

  /** {@code unix:} and the socket of the workload with this ID. */
  public String addressFor(SpiffeId id) {
    return workload(id).address();
  }

  /** {@code unix:} and the socket of the workload with this path in the trust domain. */
  public String addressFor(String path) {
    return workload(path).address();
  }

  /** Stops all Workload APIs and removes their sockets. Idempotent. */
  @Override
  public synchronized void close() {
    workloads.values().forEach(TestWorkloadApi::close);
    try {
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new IllegalStateException("cannot remove " + directory, e);
    }
  }
}
