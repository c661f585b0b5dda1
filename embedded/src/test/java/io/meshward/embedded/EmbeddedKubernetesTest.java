package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the double has beside the contract: faults, bounds, its log, and what it does not do. */
class EmbeddedKubernetesTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String PODS = "/api/v1/namespaces/default/pods";

  private final EmbeddedKubernetes kubernetes =
      EmbeddedKubernetes.builder()
          .readyAfter(Duration.ofMillis(20))
          .goneAfter(Duration.ofMillis(50))
          .maxWatches(2)
          .maxObjects(60)
          .start();
  private final HttpClient http = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    http.shutdownNow();
    kubernetes.close();
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return http.send(request(method, path, body), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(String method, String path, String body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(kubernetes.url().resolve(path))
            .timeout(Duration.ofSeconds(20))
            .header(
                "Content-Type",
                method.equals("PATCH") ? "application/merge-patch+json" : "application/json")
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    return request.build();
  }

  private static JsonNode json(HttpResponse<String> response) throws IOException {
    return MAPPER.readTree(response.body());
  }

  private static String pod(String name) {
    return KubernetesContract.pod(name, "");
  }

  private boolean exists(String name) throws Exception {
    return send("GET", PODS + "/" + name, "").statusCode() == 200;
  }

  @Test
  void servesItsVersionAndNodesFromTheStart() throws Exception {
    assertThat(json(send("GET", "/version", "")).path("minor").asText()).isEqualTo("36");
    assertThat(json(send("GET", "/api/v1/nodes", "")).path("items")).hasSize(3);
  }

  @Test
  void refusesAsOftenAsAFaultIsArmed() throws Exception {
    kubernetes.faults().conflict(2, FaultInjection.on("POST", "/pods$"));
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> refused = send("POST", PODS, pod("a"));
      assertThat(refused.statusCode()).isEqualTo(409);
      assertThat(json(refused).path("reason").asText()).isEqualTo("Conflict");
      assertThat(json(refused).path("message").asText()).contains("has been modified");
    }
    assertThat(exists("a")).isFalse();
    assertThat(send("POST", PODS, pod("a")).statusCode()).isEqualTo(201);
    assertThat(kubernetes.faults().pending()).isZero();
  }

  @Test
  void throttlesAndSaysForHowLong() throws Exception {
    kubernetes
        .faults()
        .throttle(1, Duration.ofSeconds(3), FaultInjection.on("PATCH", "/pods/throttled$"));
    send("POST", PODS, pod("throttled"));
    String patch = "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}";
    HttpResponse<String> refused = send("PATCH", PODS + "/throttled", patch);
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("Retry-After")).contains("3");
    assertThat(json(refused).at("/details/retryAfterSeconds").asInt()).isEqualTo(3);
    assertThat(send("PATCH", PODS + "/throttled", patch).statusCode()).isEqualTo(200);
  }

  @Test
  void failsWithoutDoingAnything() throws Exception {
    send("POST", PODS, pod("kept"));
    kubernetes.faults().fail(1, FaultInjection.on("DELETE", "/pods/kept$"));
    HttpResponse<String> failed = send("DELETE", PODS + "/kept", "");
    assertThat(failed.statusCode()).isEqualTo(500);
    assertThat(json(failed).path("reason").asText()).isEqualTo("InternalError");
    assertThat(json(send("GET", PODS + "/kept", "")).at("/metadata").has("deletionTimestamp"))
        .isFalse();
  }

  @Test
  void isLateAndThenDoesWhatWasAsked() throws Exception {
    kubernetes.faults().delay(1, Duration.ofMillis(400), FaultInjection.on("POST", "/pods$"));
    long start = System.nanoTime();
    assertThat(send("POST", PODS, pod("late")).statusCode()).isEqualTo(201);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(399));
  }

  @Test
  void commitsAndThenCutsTheConnection() throws Exception {
    kubernetes.faults().cutAfterCommit(1, FaultInjection.on("POST", "/pods$"));
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> send("POST", PODS, pod("cut")));
    assertThat(exists("cut")).isTrue();
    assertThat(kubernetes.writes().all())
        .singleElement()
        .satisfies(write -> assertThat(write.persisted()).isTrue());
  }

  @Test
  void aRequestThatIsRefusedCommitsNothingAndLeavesTheCutToTheNext() throws Exception {
    send("POST", PODS, pod("locked"));
    kubernetes.faults().cutAfterCommit(1, FaultInjection.on("PATCH", "/pods/locked"));

    HttpResponse<String> stale =
        send(
            "PATCH",
            PODS + "/locked",
            "{\"metadata\":{\"resourceVersion\":\"1\",\"labels\":{\"a\":\"b\"}}}");

    assertThat(stale.statusCode()).isEqualTo(409);
    assertThat(kubernetes.faults().pending()).isEqualTo(1);
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () -> send("PATCH", PODS + "/locked", "{\"metadata\":{\"labels\":{\"a\":\"c\"}}}"));
    assertThat(json(send("GET", PODS + "/locked", "")).at("/metadata/labels/a").asText())
        .isEqualTo("c");
    assertThat(kubernetes.faults().pending()).isZero();
  }

  @Test
  void aDelayAndARefusalMeetTheSameRequest() throws Exception {
    kubernetes.faults().delay(1, Duration.ofMillis(100), call -> true);
    kubernetes.faults().fail(1, call -> true);
    assertThat(send("GET", PODS, "").statusCode()).isEqualTo(500);
    kubernetes.faults().fail(5, call -> true);
    kubernetes.faults().clear();
    assertThat(send("GET", PODS, "").statusCode()).isEqualTo(200);
  }

  @Test
  void logsWritesAndNoReads() throws Exception {
    send("POST", PODS + "?fieldManager=me", pod("logged"));
    send("POST", PODS + "?fieldManager=me&dryRun=All", pod("tried"));
    send("POST", PODS + "?fieldManager=other", pod("logged"));
    send("GET", PODS, "");
    send("DELETE", PODS + "/logged", "");
    assertThat(kubernetes.writes().all())
        .extracting(
            write -> write.call().method(),
            write -> write.fieldManager(),
            write -> write.code(),
            write -> write.persisted())
        .containsExactly(
            tuple("POST", "me", 201, true),
            tuple("POST", "me", 201, false),
            tuple("POST", "other", 409, false),
            tuple("DELETE", "Java-http-client", 200, true));
    assertThat(kubernetes.writes().count()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          GET,    /api/v1/namespaces/default/configmaps,            501
          GET,    /api/v1/secrets,                                  501
          GET,    /apis/apps/v1/daemonsets,                         501
          GET,    /apis/batch/v1/jobs,                              501
          GET,    /apis/networking.k8s.io/v1/ingresses,             501
          GET,    /api/v1/namespaces/default/pods/x/log,            501
          GET,    /api/v1/watch/pods,                               501
          GET,    /api/v1/pods?limit=1&continue=x,                  501
          DELETE, /api/v1/namespaces/default/pods,                  501
          GET,    /openapi/v3,                                      501
          GET,    /api/v1/namespaces/default/ponds,                 404
          GET,    /apis/apps/v1/daemonset,                          404
          GET,    /apis/no.such.group/v1/things,                    404
          GET,    /apis/apps/v9/deployments,                        404
          GET,    /api/v2/pods,                                     404
          GET,    /api/v1/namespaces/default/pods/x,                404
          GET,    /api/v1/namespaces/default/pods/x/nothing,        404
          GET,    /nowhere,                                         404
          """)
  void tellsWhatItDoesNotSimulateFromWhatDoesNotExist(String method, String path, int code)
      throws Exception {
    HttpResponse<String> answer = send(method, path, "");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(code);
    if (code == 501) {
      assertThat(json(answer).path("message").asText()).startsWith("not simulated: ");
      assertThat(json(answer).path("reason").asText()).isEqualTo("NotImplemented");
    }
  }

  @Test
  void aWatchFromAForgottenVersionIsExpired() throws Exception {
    String version = json(send("GET", PODS, "")).at("/metadata/resourceVersion").asText();
    send("POST", PODS, pod("since"));
    kubernetes.compactHistory();
    HttpResponse<String> answer =
        send("GET", PODS + "?watch=true&timeoutSeconds=5&resourceVersion=" + version, "");
    JsonNode expired = answer.statusCode() == 200 ? json(answer).path("object") : json(answer);
    assertThat(expired.path("code").asInt()).isEqualTo(410);
    assertThat(expired.path("reason").asText()).isEqualTo("Expired");
  }

  @Test
  void anInformerGoesOnAfterItsWatchEndedAndItsVersionExpired() throws Exception {
    Config config = Config.fromKubeconfig(kubernetes.kubeconfig());
    Queue<String> told = new ConcurrentLinkedQueue<>();
    try (KubernetesClient client =
        new KubernetesClientBuilder()
            .withConfig(config)
            .withHttpClientFactory(new JdkHttpClientFactory())
            .build()) {
      send("POST", PODS, pod("first"));
      SharedIndexInformer<Pod> informer = client.pods().inNamespace("default").inform(tell(told));
      await(() -> told.contains("+ first"));

      kubernetes.endWatches();
      send("POST", PODS, pod("second"));
      await(() -> told.contains("+ second"));

      kubernetes.faults().fail(2, FaultInjection.on("GET", "/pods$"));
      kubernetes.endWatches();
      send("DELETE", PODS + "/first?gracePeriodSeconds=0", "");
      await(() -> kubernetes.faults().pending() == 0);
      kubernetes.compactHistory();
      send("POST", PODS, pod("third"));
      await(() -> told.contains("+ third") && told.contains("- first"));
      assertThat(told).filteredOn(event -> event.startsWith("+ ")).hasSize(3);
      informer.stop();
    }
  }

  private static ResourceEventHandler<Pod> tell(Queue<String> told) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(Pod pod) {
        told.add("+ " + pod.getMetadata().getName());
      }

      @Override
      public void onUpdate(Pod before, Pod pod) {}

      @Override
      public void onDelete(Pod pod, boolean lastStateUnknown) {
        told.add("- " + pod.getMetadata().getName());
      }
    };
  }

  @Test
  void hasSoManyWatchesAndObjectsAndNoMore() throws Exception {
    String watch = PODS + "?watch=true&timeoutSeconds=20";
    for (int i = 0; i < 2; i++) {
      var _ = http.send(request("GET", watch, ""), HttpResponse.BodyHandlers.ofInputStream());
    }
    HttpResponse<String> refused = send("GET", watch, "");
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(json(refused).path("message").asText()).contains("the limit of 2 watches");
    int created = 0;
    while (send("POST", PODS, pod("many-" + created)).statusCode() == 201) {
      created++;
      assertThat(created).isLessThan(60);
    }
    assertThat(send("POST", PODS, pod("one-more")).statusCode()).isEqualTo(500);
    assertThat(send("GET", PODS, "").statusCode()).isEqualTo(200);
  }

  @Test
  void closesThoughWatchesAreOpen() throws Exception {
    HttpResponse<InputStream> open =
        http.send(
            request("GET", PODS + "?watch=true", ""), HttpResponse.BodyHandlers.ofInputStream());
    kubernetes.close();
    assertThat(open.body().readAllBytes()).isNotNull();
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> send("GET", "/version", ""));
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited in vain").isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }
}
