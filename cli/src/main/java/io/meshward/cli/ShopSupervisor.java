package io.meshward.cli;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.meshward.examples.ShopLine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Plays the kubelets and the Services of a namespace whose pods are only simulated: for each pod
 * that runs there is a process of that service, with an address of its own that is written on the
 * pod; a pod that ends takes its process with it. Peers find a process while the pod has the label
 * of its Service, works and is not ending.
 *
 * <p>Thread-safe.
 */
final class ShopSupervisor implements AutoCloseable {
  /** Where the address a pod's connections come from is written on it. */
  static final String ADDRESS_ANNOTATION = "meshward.io/address";

  private static final int MAX_PODS = 250;

  private final KubernetesClient kubernetes;
  private final String namespace;
  private final ShopEnvironment environment;
  private final Listener listener;
  private final LoopbackAddresses addresses;
  private final Map<String, Supervised> pods = new LinkedHashMap<>();
  private final ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();
  private @Nullable SharedIndexInformer<Pod> informer;
  private boolean closed;

  /** Hears of what the processes do. Methods are called by several threads. */
  interface Listener {
    void processStarted(String pod, String address);

    void processEnded(String pod);

    /**
     * A process could not be started, or ended though its pod had not.
     *
     * @param how in words
     */
    void processFailed(String pod, String how, Path log);

    void called(ShopLine.Call call);
  }

  /** A pod with what stands for it. */
  private static final class Supervised {
    private final String name;
    private final String service;
    private final String address;
    private Pod pod;
    private @Nullable ServiceProcess process;
    private @Nullable String endpoint;
    private boolean ready;
    private boolean ending;
    private boolean gone;

    Supervised(Pod pod, String service, String address) {
      this.pod = pod;
      this.name = pod.getMetadata().getName();
      this.service = service;
      this.address = address;
    }
  }

  /** A process that works: the pod it stands for, its service and its address. */
  record RunningProcess(String pod, String service, String address, long pid) {}

  ShopSupervisor(
      KubernetesClient kubernetes,
      String namespace,
      ShopEnvironment environment,
      LoopbackAddresses addresses,
      Listener listener) {
    this.kubernetes = kubernetes;
    this.namespace = namespace;
    this.environment = environment;
    this.addresses = addresses;
    this.listener = listener;
  }

  /** Begins to watch. */
  void start() {
    informer =
        kubernetes
            .pods()
            .inNamespace(namespace)
            .inform(
                new ResourceEventHandler<>() {
                  @Override
                  public void onAdd(Pod pod) {
                    seen(pod);
                  }

                  @Override
                  public void onUpdate(Pod before, Pod pod) {
                    seen(pod);
                  }

                  @Override
                  public void onDelete(Pod pod, boolean finalStateUnknown) {
                    gone(pod);
                  }
                });
  }

  private synchronized void seen(Pod pod) {
    if (closed) {
      return;
    }
    String uid = pod.getMetadata().getUid();
    Supervised known = pods.get(uid);
    if (pod.getMetadata().getDeletionTimestamp() != null) {
      if (known != null) {
        known.pod = pod;
        end(known);
      }
    } else if (known != null) {
      known.pod = pod;
      publishEndpoints(known.service);
    } else if ("Running".equals(pod.getStatus().getPhase())) {
      if (pods.size() == MAX_PODS) {
        throw new IllegalStateException("more than " + MAX_PODS + " pods in " + namespace);
      }
      Supervised added =
          new Supervised(pod, pod.getSpec().getServiceAccountName(), addresses.next());
      pods.put(uid, added);
      tasks.execute(() -> run(added));
    }
  }

  private synchronized void gone(Pod pod) {
    Supervised known = pods.get(pod.getMetadata().getUid());
    if (known != null) {
      end(known);
      known.gone = true;
      forgetIfOver(known);
    }
  }

  /** A process may take longer to end than its pod. */
  private void forgetIfOver(Supervised supervised) {
    if (supervised.gone && supervised.process == null) {
      pods.remove(supervised.pod.getMetadata().getUid());
    }
  }

  /** Writes the address first: who looks a caller up by it must find the pod. */
  private void run(Supervised added) {
    Path log = environment.logs().of(added.name);
    try {
      annotate(added);
      synchronized (this) {
        if (closed || added.ending) {
          return;
        }
        added.process =
            ServiceProcess.start(
                environment.mainClass(added.service),
                environment.variables(added.service, added.name, node(added.pod), added.address),
                log,
                line -> heard(added, line),
                exitCode -> processEnded(added, exitCode, log));
      }
    } catch (IOException | RuntimeException e) {
      listener.processFailed(added.name, "could not be started: " + e, log);
    }
  }

  private void annotate(Supervised added) {
    String patch =
        "{\"metadata\":{\"annotations\":{\""
            + ADDRESS_ANNOTATION
            + "\":\""
            + added.address
            + "\"}}}";
    try {
      kubernetes
          .pods()
          .inNamespace(namespace)
          .withName(added.name)
          .patch(PatchContext.of(PatchType.JSON_MERGE), patch);
    } catch (KubernetesClientException e) {
      if (e.getCode() != 404) {
        throw e;
      }
    }
  }

  private void heard(Supervised supervised, ShopLine line) {
    switch (line) {
      case ShopLine.Ready ready -> {
        synchronized (this) {
          supervised.ready = true;
          supervised.endpoint = ready.address();
          publishEndpoints(supervised.service);
          notifyAll();
        }
        listener.processStarted(supervised.name, supervised.address);
      }
      case ShopLine.Call call -> listener.called(call);
    }
  }

  private void processEnded(Supervised supervised, int exitCode, Path log) {
    boolean expected;
    synchronized (this) {
      expected = supervised.ending || closed;
      supervised.ready = false;
      supervised.process = null;
      forgetIfOver(supervised);
      publishEndpoints(supervised.service);
      notifyAll();
    }
    if (expected) {
      listener.processEnded(supervised.name);
    } else {
      listener.processFailed(supervised.name, "ended by itself with " + exitCode, log);
    }
  }

  private void end(Supervised supervised) {
    if (!supervised.ending) {
      supervised.ending = true;
      publishEndpoints(supervised.service);
      ServiceProcess process = supervised.process;
      if (process != null) {
        tasks.execute(process::close);
      }
    }
  }

  /** Writes whole files only, since readers look at any time. */
  private void publishEndpoints(String service) {
    List<String> endpoints =
        pods.values().stream()
            .filter(pod -> pod.service.equals(service) && pod.ready && !pod.ending)
            .filter(pod -> service.equals(label(pod.pod)))
            .map(pod -> pod.endpoint)
            .flatMap(endpoint -> Optional.ofNullable(endpoint).stream())
            .toList();
    try {
      Path next = Files.createTempFile(environment.endpoints(), "." + service, ".next");
      Files.write(next, endpoints);
      Files.move(
          next, environment.endpoints().resolve(service), StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static @Nullable String label(Pod pod) {
    return Optional.ofNullable(pod.getMetadata().getLabels())
        .map(labels -> labels.get(ShopManifests.APP))
        .orElse(null);
  }

  private static String node(Pod pod) {
    return Optional.ofNullable(pod.getSpec().getNodeName()).orElse("");
  }

  /** The processes that work now. */
  synchronized List<RunningProcess> running() {
    List<RunningProcess> running = new ArrayList<>();
    for (Supervised pod : pods.values()) {
      if (pod.process != null && pod.ready && !pod.ending) {
        running.add(new RunningProcess(pod.name, pod.service, pod.address, pod.process.pid()));
      }
    }
    return running;
  }

  /** Where some process of a service listens. */
  synchronized String endpoint(String service) throws ScenarioFailedException {
    return pods.values().stream()
        .filter(pod -> pod.service.equals(service) && pod.ready && !pod.ending)
        .flatMap(pod -> Optional.ofNullable(pod.endpoint).stream())
        .findFirst()
        .orElseThrow(() -> new ScenarioFailedException("no process of " + service + " listens"));
  }

  /** How many processes of a service work now. */
  long running(String service) {
    return running().stream().filter(process -> process.service().equals(service)).count();
  }

  /**
   * How many processes of a service are there, working or not, or have said what is unheard yet.
   */
  synchronized long processes(String service) {
    return pods.values().stream()
        .filter(pod -> pod.service.equals(service))
        .filter(pod -> pod.process != null)
        .count();
  }

  /**
   * Waits until so many processes of a service are there and work.
   *
   * @throws TimeoutException saying how many there are
   */
  void awaitRunning(String service, int count, Duration time)
      throws InterruptedException, TimeoutException {
    await(
        () -> running(service) == count && processes(service) == count,
        time,
        () -> count + " working processes of " + service + " (there are " + running(service) + ")");
  }

  private synchronized void await(
      BooleanSupplier condition, Duration time, java.util.function.Supplier<String> what)
      throws InterruptedException, TimeoutException {
    long end = System.nanoTime() + time.toNanos();
    while (!condition.getAsBoolean()) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new TimeoutException(what.get() + " did not come within " + time.toSeconds() + " s");
      }
      wait(Math.min(left, 200));
    }
  }

  /** Ends all processes. */
  @Override
  public void close() {
    List<Supervised> left;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      left = List.copyOf(pods.values());
    }
    if (informer != null) {
      informer.stop();
    }
    for (Supervised pod : left) {
      ServiceProcess process = pod.process;
      if (process != null) {
        tasks.execute(process::close);
      }
    }
    tasks.close();
  }
}
