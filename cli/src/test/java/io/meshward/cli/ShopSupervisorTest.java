package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.meshward.daemon.Resources;
import io.meshward.examples.ShopLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that follow their pods, on the embedded Kubernetes API. */
final class ShopSupervisorTest {
  private static final Duration TIME = Duration.ofSeconds(60);

  @TempDir Path folder;
  private final Resources resources = new Resources(Duration.ofSeconds(30));
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final List<String> lastCalls = new CopyOnWriteArrayList<>();
  private KubernetesPart kubernetes;
  private ShopSupervisor shop;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    for (String name : List.of("endpoints", "logs", "policies")) {
      Files.createDirectory(folder.resolve(name));
    }
    kubernetes = KubernetesPart.embedded(folder, "shop", "test", new Starter(resources));
    shop =
        resources.add(
            "shop",
            new ShopSupervisor(
                kubernetes.client(),
                "shop",
                new ShopEnvironment(
                    Map.of("orders", QuietService.class),
                    "spiffe://example.org/ns/shop/sa/",
                    _ -> "unix:/none",
                    _ -> Optional.empty(),
                    "localhost:1",
                    "meshward",
                    folder,
                    new LogFolder(folder.resolve("logs"))),
                new LoopbackAddresses(new Random(1)),
                new Listener()));
    shop.start();
    kubernetes.deployShop(Map.of("orders", 2));
  }

  @AfterEach
  void stop() {
    resources.close();
  }

  @Test
  void eachPodHasAProcessWithAnAddressOfItsOwnThatIsWrittenOnIt() throws Exception {
    shop.awaitRunning("orders", 2, TIME);

    List<ShopSupervisor.RunningProcess> processes = shop.running();
    assertThat(processes)
        .extracting(ShopSupervisor.RunningProcess::address)
        .doesNotHaveDuplicates()
        .allMatch(address -> address.startsWith("127."));
    for (ShopSupervisor.RunningProcess process : processes) {
      assertThat(annotation(process.pod())).isEqualTo(process.address());
      assertThat(ProcessHandle.of(process.pid())).isPresent();
    }
    assertThat(endpoints())
        .containsExactlyInAnyOrderElementsOf(
            processes.stream().map(process -> process.address() + ":1").toList());
  }

  @Test
  void ctrlCInATerminalIsIgnoredByTheProcesses() throws Exception {
    shop.awaitRunning("orders", 2, TIME);

    for (ShopSupervisor.RunningProcess process : shop.running()) {
      assertThat(CommandProcess.hearsCtrlC(process.pid())).isFalse();
    }
  }

  @Test
  void scalingToZeroEndsTheProcesses() throws Exception {
    shop.awaitRunning("orders", 2, TIME);
    List<Long> pids = shop.running().stream().map(ShopSupervisor.RunningProcess::pid).toList();

    kubernetes.client().apps().deployments().inNamespace("shop").withName("orders").scale(0);
    shop.awaitRunning("orders", 0, TIME);

    assertThat(pids)
        .noneMatch(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
    assertThat(endpoints()).isEmpty();
    assertThat(failures).isEmpty();
    assertThat(lastCalls).as("what was said while they ended").hasSize(2).doesNotHaveDuplicates();
  }

  @Test
  void podThatLosesItsLabelKeepsItsProcessButIsNotFoundAnyMore() throws Exception {
    shop.awaitRunning("orders", 2, TIME);
    ShopSupervisor.RunningProcess isolated = shop.running().getFirst();

    kubernetes
        .client()
        .pods()
        .inNamespace("shop")
        .withName(isolated.pod())
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"metadata\":{\"labels\":{\"app\":null}}}");
    shop.awaitRunning("orders", 3, TIME);

    assertThat(shop.running()).contains(isolated);
    assertThat(endpoints()).hasSize(2).doesNotContain(isolated.address() + ":1");
  }

  @Test
  void closingLeavesNoProcess() throws Exception {
    shop.awaitRunning("orders", 2, TIME);
    List<Long> pids = shop.running().stream().map(ShopSupervisor.RunningProcess::pid).toList();

    shop.close();

    assertThat(pids)
        .noneMatch(pid -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
    assertThat(failures).isEmpty();
  }

  @Test
  void processThatEndsByItselfIsReported() throws Exception {
    shop.awaitRunning("orders", 2, TIME);

    ProcessHandle.of(shop.running().getFirst().pid()).orElseThrow().destroyForcibly();
    shop.awaitRunning("orders", 1, TIME);

    // It is reported by the thread that saw its end, right after it stopped counting as running.
    long deadline = System.nanoTime() + TIME.toNanos();
    while (failures.isEmpty() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(10_000_000);
    }
    assertThat(failures).singleElement().asString().endsWith("ended by itself with 137");
  }

  private @Nullable String annotation(String pod) {
    Pod found = kubernetes.client().pods().inNamespace("shop").withName(pod).get();
    return found.getMetadata().getAnnotations().get(ShopSupervisor.ADDRESS_ANNOTATION);
  }

  private List<String> endpoints() throws IOException {
    return Files.readAllLines(folder.resolve("endpoints/orders"));
  }

  private final class Listener implements ShopSupervisor.Listener {
    @Override
    public void processStarted(String pod, String address) {}

    @Override
    public void processEnded(String pod) {}

    @Override
    public void processFailed(String pod, String how, Path log) {
      failures.add(pod + " " + how);
    }

    @Override
    public void called(ShopLine.Call call) {
      lastCalls.add(call.id());
    }
  }
}
