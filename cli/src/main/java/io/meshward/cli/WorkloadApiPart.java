package io.meshward.cli;

import io.grpc.StatusRuntimeException;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestMesh;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Where the shop's services get their SVIDs from. */
sealed interface WorkloadApiPart {
  /** How long somebody may take to register entries. */
  Duration ENTRIES = Duration.ofMinutes(10);

  Duration TIME_TO_LIVE = Duration.ofSeconds(60);

  /** What the services' identities begin with: {@code spiffe://trust-domain/ns/namespace/sa/}. */
  String identities();

  /** The address of a service's Workload API. */
  String address(String service);

  /** The hint of a service's SVID, where one Workload API offers several. */
  Optional<String> hint(String service);

  /** Has a service's SVID rotated, or leaves that to whoever rotates it anyway. */
  void rotate(String service);

  /** How long a rotation may take. */
  Duration rotationTime();

  /** The SPIFFE ID of a service. */
  default String identity(String service) {
    return identities() + service;
  }

  private static String identities(String trustDomain, String namespace) {
    return "spiffe://" + trustDomain + "/ns/" + namespace + "/sa/";
  }

  /** Embedded Workload APIs, one socket per service. */
  static WorkloadApiPart embedded(String trustDomain, String namespace, Starter starter)
      throws InterruptedException {
    return new Embedded(
        starter.start("workload api", () -> TestMesh.start(trustDomain)),
        identities(trustDomain, namespace));
  }

  /**
   * The Workload API of somebody's SPIRE agent, which tells this machine's processes apart by hint.
   * Hints have the namespace in them, since of two entries with one hint SPIRE serves the older.
   */
  static Real real(String address, String trustDomain, String namespace) {
    return new Real(address, identities(trustDomain, namespace), namespace);
  }

  /** A trust domain in this process. */
  record Embedded(TestMesh mesh, String identities) implements WorkloadApiPart {
    @Override
    public String address(String service) {
      return mesh.addressFor(SpiffeId.parse(identity(service)));
    }

    @Override
    public Optional<String> hint(String service) {
      return Optional.empty();
    }

    @Override
    public void rotate(String service) {
      mesh.workload(SpiffeId.parse(identity(service))).rotate();
    }

    @Override
    public Duration rotationTime() {
      return Duration.ofMinutes(1);
    }
  }

  /** Somebody's SPIRE. */
  record Real(String address, String identities, String namespace) implements WorkloadApiPart {
    @Override
    public String address(String service) {
      return address;
    }

    @Override
    public Optional<String> hint(String service) {
      return Optional.of(namespace + "." + service);
    }

    @Override
    public void rotate(String service) {
      // SPIRE rotates half-way through an SVID's life.
    }

    @Override
    public Duration rotationTime() {
      return TIME_TO_LIVE.multipliedBy(2);
    }

    /** The commands that register the services, for the user that runs this. */
    List<String> entries(Collection<String> services) throws IOException {
      Object userId = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      return services.stream()
          .sorted()
          .map(
              service ->
                  "spire-server entry create -parentID AGENT_ID -spiffeID "
                      + identity(service)
                      + " -selector unix:uid:"
                      + userId
                      + " -hint "
                      + namespace
                      + "."
                      + service
                      + " -x509SVIDTTL "
                      + TIME_TO_LIVE.toSeconds())
          .toList();
    }

    /** Waits until the Workload API serves all of them. */
    void awaitEntries(Collection<String> services)
        throws InterruptedException, GeneralSecurityException, ScenarioFailedException {
      long end = System.nanoTime() + ENTRIES.toNanos();
      for (String service : services) {
        while (!isServed(service)) {
          if (System.nanoTime() > end) {
            throw new ScenarioFailedException(
                address + " does not serve " + identity(service) + " within " + ENTRIES);
          }
          Thread.sleep(500);
        }
      }
    }

    private boolean isServed(String service) throws InterruptedException, GeneralSecurityException {
      try {
        StolenSvid.take(address, identity(service), Duration.ofSeconds(5));
        return true;
      } catch (StatusRuntimeException | IllegalStateException e) {
        return false;
      }
    }
  }
}
