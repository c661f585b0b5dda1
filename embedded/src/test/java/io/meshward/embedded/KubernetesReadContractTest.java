package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiClient.Answer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Discovery, lists, selectors and watches. */
class KubernetesReadContractTest extends KubernetesContract {

  KubernetesReadContractTest(ContractCluster cluster) {
    super(cluster);
  }

  @BeforeEach
  void labelled() {
    if (api.get(in("serviceaccounts", "d")).code() == 200) {
      return;
    }
    account("a", "\"set\":\"1\",\"app\":\"x\",\"tier\":\"1\"");
    account("b", "\"set\":\"1\",\"app\":\"y\",\"tier\":\"2\"");
    account("c", "\"set\":\"1\",\"app\":\"z\"");
    account("d", "\"set\":\"1\",\"other\":\"5\"");
  }

  private void account(String name, String labels) {
    api.post(
            in("serviceaccounts"),
            "{\"metadata\":{\"name\":\"" + name + "\",\"labels\":{" + labels + "}}}")
        .hasCode(201);
  }

  // Discovery

  @Test
  void describesItself() {
    assertThat(api.get("/version").hasCode(200).text("/major")).isEqualTo("1");
    assertThat(api.get("/api").hasCode(200).at("/versions").toString()).isEqualTo("[\"v1\"]");
    assertThat(api.get("/apis").hasCode(200).body().toString())
        .contains("\"apps\"", "\"networking.k8s.io\"", "\"events.k8s.io\"");
    assertThat(api.get("/apis/apps").hasCode(200).text("/preferredVersion/groupVersion"))
        .isEqualTo("apps/v1");
    assertThat(resource("/api/v1", "pods")).isEqualTo("Pod true");
    assertThat(resource("/api/v1", "pods/eviction")).isEqualTo("Eviction true");
    assertThat(resource("/api/v1", "nodes")).isEqualTo("Node false");
    assertThat(resource("/apis/apps/v1", "deployments/scale")).isEqualTo("Scale true");
    assertThat(resource("/apis/networking.k8s.io/v1", "networkpolicies"))
        .isEqualTo("NetworkPolicy true");
    assertThat(api.get("/readyz").hasCode(200).body().asText()).isEqualTo("ok");
  }

  private String resource(String path, String name) {
    for (var resource : api.get(path).hasCode(200).at("/resources")) {
      if (resource.path("name").asText().equals(name)) {
        return resource.path("kind").asText() + " " + resource.path("namespaced").asBoolean();
      }
    }
    return "none";
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/v1/frobs",
        "/api/v1/namespaces/default/frobs/x",
        "/apis/apps/v1/frobs",
        "/apis/apps/v7/deployments",
        "/api/v2",
        "/api/v1/pods/x",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/namespaces/default/pods/x/frob",
        "/apis/batch/v1/frobs"
      })
  void doesNotFindWhatDoesNotExist(String path) {
    api.get(path)
        .isRefused(404, "NotFound")
        .saying("the server could not find the requested resource");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/frob", "/apis/frob.example.com", "/apis/frob.example.com/v1/frobs"})
  void knowsNoOtherPages(String path) {
    assertThat(api.get(path).hasCode(404).body().asText()).isEqualTo("404 page not found\n");
  }

  @ParameterizedTest
  @CsvSource({
    "POST,/api/v1/pods",
    "PUT,/api/v1/nodes",
    "PATCH,/api/v1/nodes",
    "DELETE,/api/v1/namespaces",
    "DELETE,/api/v1/pods"
  })
  void refusesVerbsThatACollectionDoesNotHave(String method, String path) {
    api.send(method, path, method.equals("DELETE") ? "" : "{}", "application/json")
        .isRefused(405, "MethodNotAllowed");
  }

  // Lists

  @Test
  void listsByNameWithAVersionAndWithoutKinds() {
    Answer list = accounts("");

    assertThat(list.text("/kind")).isEqualTo("ServiceAccountList");
    assertThat(list.version()).matches("[0-9]+");
    assertThat(list.names()).containsSequence("a", "b", "c", "d", "default");
    assertThat(list.at("/items/0").has("kind")).isFalse();
    assertThat(api.get("/api/v1/serviceaccounts").names()).contains("a", "default");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          app=x            | a
          app==x           | a
          app!=x           | b,c,d
          app in (x,y)     | a,b
          app in ( x , y ) | a,b
          app notin (x,y)  | c,d
          app              | a,b,c
          !app             | d
          app,tier         | a,b
          app=x,tier=2     | ''
          app=             | ''
          tier>1           | b
          tier<2           | a
          """)
  void selectsByLabels(String selector, String names) {
    assertThat(
            String.join(",", accounts("labelSelector", selector + ",set=1").hasCode(200).names()))
        .isEqualTo(names);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "app===x",
        "app in (",
        "app in x",
        "a b",
        "app=x,",
        "=x",
        "!",
        "app=a b",
        "-bad",
        "app=-bad",
        "n>a",
        "app notin"
      })
  void refusesLabelSelectorsThatCannotBeParsed(String selector) {
    accounts("labelSelector", selector).isRefused(400, "BadRequest");
  }

  @ParameterizedTest
  @CsvSource({"metadata.name=a,a", "metadata.name==b,b", "metadata.name=none,''"})
  void selectsByName(String selector, String names) {
    assertThat(String.join(",", accounts("fieldSelector", selector).hasCode(200).names()))
        .isEqualTo(names);
  }

  @Test
  void selectsPodsByNodeAndPhase() {
    String node = readyPod("selected").text("/spec/nodeName");
    String pods = in("pods") + "?fieldSelector=";

    assertThat(api.get(pods + encode("spec.nodeName=" + node + ",metadata.name=selected")).names())
        .containsExactly("selected");
    assertThat(api.get(pods + encode("spec.nodeName!=" + node + ",metadata.name=selected")).names())
        .isEmpty();
    assertThat(api.get(pods + encode("status.phase=Running,metadata.name=selected")).names())
        .containsExactly("selected");
    assertThat(api.get(pods + encode("status.phase!=Running,metadata.name=selected")).names())
        .isEmpty();
    assertThat(
            api.get("/api/v1/pods?fieldSelector=" + encode("metadata.namespace=" + namespace))
                .names())
        .contains("selected");
  }

  @ParameterizedTest
  @CsvSource({
    "/api/v1/pods,spec.frob=1,field label not supported: spec.frob",
    "/api/v1/nodes,metadata.namespace=x,field label not supported: metadata.namespace",
    "/apis/apps/v1/deployments,spec.frob=1,'\"spec.frob\" is not a known field selector: only"
        + " \"metadata.name\", \"metadata.namespace\"'",
    "/api/v1/pods,metadata.name,invalid selector: 'metadata.name'; can't understand 'metadata.name'"
  })
  void refusesFieldSelectorsThatAKindDoesNotHave(String path, String selector, String message) {
    api.get(path + "?fieldSelector=" + encode(selector))
        .isRefused(400, "BadRequest")
        .saying(message);
  }

  @Test
  void readsNoVersionThatIsNotYetReached() {
    Answer refused = accounts("resourceVersion", "999999999999").isRefused(504, "Timeout");

    assertThat(refused.text("/message"))
        .startsWith("Timeout: Too large resource version: 999999999999, current: ");
    assertThat(refused.headers().firstValue("Retry-After")).contains("1");
    api.get(in("serviceaccounts", "a") + "?resourceVersion=999999999999").isRefused(504, "Timeout");
    accounts("resourceVersion", "0").hasCode(200);
    accounts("resourceVersion", "x").isRefused(400, "BadRequest");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "resourceVersionMatch=Exact",
        "resourceVersionMatch=NotOlderThan&watch=true&resourceVersion=1",
        "sendInitialEvents=true",
        "resourceVersionMatch=Exact&resourceVersion=0"
      })
  void refusesOptionsThatContradictEachOther(String query) {
    Answer refused = accounts("?" + query).isRefused(422, "Invalid");

    assertThat(refused.text("/details/kind")).isEqualTo("ListOptions");
  }

  // Watches

  @Test
  void watchesFromAVersion() throws Exception {
    String from = accounts("").version();

    List<ObjectNode> events =
        watch(
            "resourceVersion=" + from,
            number(3),
            () -> {
              account("watched", "\"w\":\"1\"");
              api.merge(
                      in("serviceaccounts", "watched"), "{\"metadata\":{\"labels\":{\"w\":\"2\"}}}")
                  .hasCode(200);
              api.delete(in("serviceaccounts", "watched")).hasCode(200);
            });

    assertThat(events)
        .extracting(e -> e.path("type").asText())
        .containsExactly("ADDED", "MODIFIED", "DELETED");
    assertThat(events)
        .allSatisfy(e -> assertThat(e.at("/object/kind").asText()).isEqualTo("ServiceAccount"));
    assertThat(events)
        .extracting(e -> e.at("/object/metadata/resourceVersion").asLong())
        .isSorted();
    assertThat(events.get(1).at("/object/metadata/labels/w").asText()).isEqualTo("2");
  }

  @Test
  void replaysWhatHappenedSinceTheVersion() throws Exception {
    String from = accounts("").version();
    account("replayed", "\"r\":\"1\"");
    api.delete(in("serviceaccounts", "replayed")).hasCode(200);

    List<ObjectNode> events = watch("resourceVersion=" + from, number(2), () -> {});

    assertThat(events).extracting(e -> e.path("type").asText()).containsExactly("ADDED", "DELETED");
  }

  @Test
  void showsWhatComesIntoAndLeavesASelection() throws Exception {
    account("moving", "\"state\":\"out\"");
    String from = accounts("").version();

    List<ObjectNode> events =
        watch(
            "labelSelector=state%3Din&resourceVersion=" + from,
            number(3),
            () -> {
              api.merge(
                      in("serviceaccounts", "moving"),
                      "{\"metadata\":{\"labels\":{\"state\":\"in\"}}}")
                  .hasCode(200);
              api.merge(
                      in("serviceaccounts", "moving"),
                      "{\"metadata\":{\"annotations\":{\"a\":\"b\"}}}")
                  .hasCode(200);
              api.merge(
                      in("serviceaccounts", "moving"),
                      "{\"metadata\":{\"labels\":{\"state\":\"out\"}}}")
                  .hasCode(200);
              api.merge(
                      in("serviceaccounts", "moving"),
                      "{\"metadata\":{\"annotations\":{\"a\":\"c\"}}}")
                  .hasCode(200);
            });

    assertThat(events)
        .extracting(e -> e.path("type").asText())
        .containsExactly("ADDED", "MODIFIED", "DELETED");
    assertThat(events.get(2).at("/object/metadata/labels/state").asText()).isEqualTo("in");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "resourceVersion=0"})
  void startsWithWhatIsThereIfNoVersionIsGiven(String version) throws Exception {
    List<ObjectNode> events =
        watch("fieldSelector=metadata.name%3Da&" + version, number(1), () -> {});

    assertThat(events).extracting(e -> e.path("type").asText()).containsExactly("ADDED");
  }

  @Test
  void marksTheEndOfWhatWasThereIfAsked() throws Exception {
    List<ObjectNode> events =
        watch(
            "fieldSelector=metadata.name%3Da&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan",
            number(2), () -> {});

    assertThat(events).extracting(e -> e.path("type").asText()).startsWith("ADDED", "BOOKMARK");
    ObjectNode bookmark = events.get(1);
    assertThat(
            bookmark.at("/object/metadata/annotations").path("k8s.io/initial-events-end").asText())
        .isEqualTo("true");
    assertThat(bookmark.at("/object/metadata/resourceVersion").asText()).matches("[0-9]+");
  }

  @Test
  void seesAPodEnd() throws Exception {
    readyPod("ending");
    String from = api.get(in("pods")).version();

    List<ObjectNode> events =
        watchPath(
            in("pods")
                + "?fieldSelector=metadata.name%3Dending&timeoutSeconds=20&watch=true&resourceVersion="
                + from,
            seen -> !seen.isEmpty() && seen.getLast().path("type").asText().equals("DELETED"),
            () -> api.delete(in("pods", "ending")).hasCode(200));

    assertThat(events)
        .extracting(e -> e.path("type").asText())
        .startsWith("MODIFIED")
        .endsWith("DELETED");
    assertThat(events.getFirst().at("/object/metadata/deletionTimestamp").asText()).isNotEmpty();
  }

  @Test
  void refusesWatchesThatItCannotUnderstand() {
    accounts("?watch=true&timeoutSeconds=x").isRefused(400, "BadRequest");
    accounts("?watch=true&labelSelector=a%20b").hasCode(400);
    accounts("?watch=true&resourceVersion=x").hasCode(500);
  }

  private List<ObjectNode> watch(
      String query, Predicate<List<ObjectNode>> enough, Runnable meanwhile) throws Exception {
    String path = in("serviceaccounts") + "?watch=true&timeoutSeconds=20&" + query;
    return watchPath(path, enough, meanwhile);
  }

  private static Predicate<List<ObjectNode>> number(int count) {
    return seen -> seen.size() == count;
  }

  private List<ObjectNode> watchPath(
      String path, Predicate<List<ObjectNode>> enough, Runnable meanwhile) throws Exception {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletableFuture<List<ObjectNode>> events =
          CompletableFuture.supplyAsync(() -> api.events(path, enough), executor);
      meanwhile.run();
      return events.get(30, TimeUnit.SECONDS);
    }
  }

  private Answer accounts(String query) {
    return api.get(in("serviceaccounts") + query);
  }

  private Answer accounts(String parameter, String value) {
    return accounts("?" + parameter + "=" + encode(value));
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
