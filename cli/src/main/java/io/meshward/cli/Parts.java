package io.meshward.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Kafka, Kubernetes and a Workload API, embedded or real, with Meshward's daemons at work on them.
 */
record Parts(
    DemoFolder folder,
    KafkaPart kafka,
    KubernetesPart kubernetes,
    WorkloadApiPart workloadApi,
    Operator operator,
    Pipeline pipeline) {

  /**
   * What is embedded, and what is somebody's.
   *
   * @param trustDomain of the SVIDs
   * @param ingestPort where ingest listens; 0 for a free port
   * @param shortHoldTimes whether playbooks recover after moments of quiet instead of minutes
   */
  record Options(
      Optional<String> bootstrap,
      Optional<String> workloadApi,
      Optional<Path> kubeconfig,
      String trustDomain,
      int ingestPort,
      boolean shortHoldTimes) {
    /** All in words. */
    List<String> describe() {
      return List.of(
          "Kafka: " + bootstrap.orElse("embedded"),
          "Workload API: " + workloadApi.orElse("embedded"),
          "Kubernetes: " + kubeconfig.map(Path::toString).orElse("embedded"));
    }
  }

  /**
   * Starts them, and returns when the daemons are ready.
   *
   * @param starter takes everything that has to be closed afterwards
   * @throws CommandException if a real part does not answer or is not as expected
   */
  static Parts start(Options options, Timeline timeline, Starter starter)
      throws IOException, GeneralSecurityException, InterruptedException, ScenarioFailedException {
    String id = HexFormat.of().toHexDigits(RandomGenerator.getDefault().nextInt()).substring(2);
    String name = "meshward-demo-" + id;
    String namespace = options.kubeconfig().isPresent() ? name : "shop";
    DemoFolder folder = DemoFolder.create(starter);

    KafkaPart kafka =
        options.bootstrap().isPresent()
            ? KafkaPart.real(options.bootstrap().get(), name, starter)
            : KafkaPart.embedded(starter);
    timeline.tell("kafka", "answers at " + kafka.config().bootstrapServers());
    KubernetesPart kubernetes =
        options.kubeconfig().isPresent()
            ? KubernetesPart.real(options.kubeconfig().get(), namespace, id, starter)
            : KubernetesPart.embedded(folder.path(), namespace, id, starter);
    timeline.tell("kubernetes", "answers at " + kubernetes.client().getMasterUrl());
    WorkloadApiPart workloadApi = workloadApi(options, namespace, timeline, starter);

    Operator operator =
        starter.start(
            "operator", () -> Operator.create(folder.path(), kafka.config(), Clock.systemUTC()));
    Pipeline pipeline =
        Pipeline.start(
            new Pipeline.Settings(
                kafka.config(),
                kubernetes.kubeconfig(),
                options.trustDomain(),
                workloadApi.address("detect"),
                namespace,
                Distribution.rules(),
                options.shortHoldTimes()
                    ? folder.playbooks(Distribution.playbooks())
                    : Distribution.playbooks(),
                folder.path(),
                operator.keyId(),
                operator.publicKey(),
                options.ingestPort()),
            starter);
    for (URI address : pipeline.addresses()) {
      awaitReady(address);
    }
    timeline.tell("meshward", "ingest, detect and respond are ready");
    return new Parts(folder, kafka, kubernetes, workloadApi, operator, pipeline);
  }

  private static WorkloadApiPart workloadApi(
      Options options, String namespace, Timeline timeline, Starter starter)
      throws IOException, GeneralSecurityException, InterruptedException, ScenarioFailedException {
    if (options.workloadApi().isEmpty()) {
      return WorkloadApiPart.embedded(options.trustDomain(), namespace, starter);
    }
    WorkloadApiPart.Real real =
        WorkloadApiPart.real(options.workloadApi().get(), options.trustDomain(), namespace);
    timeline.tell("spire", "needs these entries, with the ID of your agent:");
    real.entries(ShopEnvironment.REPLICAS.keySet()).forEach(timeline::line);
    real.awaitEntries(ShopEnvironment.REPLICAS.keySet());
    timeline.tell("spire", "serves the SVIDs of all services");
    return real;
  }

  private static void awaitReady(URI process) throws InterruptedException, ScenarioFailedException {
    URI ready = process.resolve("/readyz");
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(ready).timeout(Duration.ofSeconds(5)).GET().build();
      Stage.await(
          ready + " answers 200",
          () -> {
            try {
              return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (IOException e) {
              return false;
            }
          });
    }
  }
}
