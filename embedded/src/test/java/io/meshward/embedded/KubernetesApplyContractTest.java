package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.ApiClient.Answer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Server-side apply: ownership, conflicts, force, what is no longer applied. */
class KubernetesApplyContractTest extends KubernetesContract {

  private static final String BOTH = "\"Ingress\",\"Egress\"";

  KubernetesApplyContractTest(ContractCluster cluster) {
    super(cluster);
  }

  @Test
  void createsAndOwnsWhatIsApplied() {
    Answer created =
        apply("created", "a", "", policy("created", "{\"x\":\"1\"}", BOTH)).hasCode(201);

    assertThat(created.at("/metadata/managedFields")).hasSize(1);
    assertThat(created.text("/metadata/managedFields/0/manager")).isEqualTo("a");
    assertThat(created.text("/metadata/managedFields/0/operation")).isEqualTo("Apply");
    assertThat(created.at("/metadata/managedFields/0/fieldsV1").toString())
        .isEqualTo(
            "{\"f:metadata\":{\"f:labels\":{\"f:x\":{}}},\"f:spec\":{\"f:podSelector\":{},\"f:policyTypes\":{}}}");
  }

  @Test
  void changesNothingWhenTheSameIsAppliedAgain() {
    Answer created = apply("again", "a", "", policy("again", "{\"x\":\"1\"}", BOTH)).hasCode(201);

    Answer again = apply("again", "a", "", policy("again", "{\"x\":\"1\"}", BOTH)).hasCode(200);

    assertThat(again.version()).isEqualTo(created.version());
    assertThat(again.body()).isEqualTo(created.body());
  }

  @Test
  void refusesToTakeFieldsOfAnotherManager() {
    apply("contested", "a", "", policy("contested", "{\"x\":\"1\"}", BOTH)).hasCode(201);

    Answer one =
        apply("contested", "b", "", policy("contested", "{\"x\":\"1\"}", "\"Ingress\""))
            .isRefused(409, "Conflict");
    Answer two =
        apply("contested", "b", "", policy("contested", "{\"x\":\"2\"}", "\"Ingress\""))
            .isRefused(409, "Conflict");

    assertThat(one.text("/message"))
        .isEqualTo("Apply failed with 1 conflict: conflict with \"a\": .spec.policyTypes");
    assertThat(one.text("/details/causes/0/reason")).isEqualTo("FieldManagerConflict");
    assertThat(one.text("/details/causes/0/message")).isEqualTo("conflict with \"a\"");
    assertThat(two.text("/message"))
        .isEqualTo(
            """
            Apply failed with 2 conflicts: conflicts with "a":
            - .metadata.labels.x
            - .spec.policyTypes\
            """);
    assertThat(two.causes()).containsExactly(".metadata.labels.x", ".spec.policyTypes");
  }

  @Test
  void refusesToTakeFieldsThatAnUpdateOwns() {
    apply("updated", "a", "", policy("updated", "{\"x\":\"1\"}", BOTH)).hasCode(201);
    api.merge(
            in("networkpolicies", "updated") + "?fieldManager=c",
            "{\"metadata\":{\"labels\":{\"x\":\"3\"}}}")
        .hasCode(200);

    apply("updated", "a", "", policy("updated", "{\"x\":\"1\"}", BOTH))
        .isRefused(409, "Conflict")
        .saying(
            "Apply failed with 1 conflict: conflict with \"c\" using networking.k8s.io/v1:"
                + " .metadata.labels.x");
  }

  @Test
  void sharesFieldsOfEqualValue() {
    apply("shared", "a", "", policy("shared", "{\"x\":\"1\"}", BOTH)).hasCode(201);

    Answer shared = apply("shared", "b", "", policy("shared", "{\"x\":\"1\"}", BOTH)).hasCode(200);

    assertThat(owners(shared, "/f:spec/f:policyTypes")).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void takesOverByForce() {
    apply("forced", "a", "", policy("forced", "{\"x\":\"1\",\"y\":\"1\"}", BOTH)).hasCode(201);

    Answer forced =
        apply("forced", "b", "&force=true", policy("forced", "{\"x\":\"2\"}", "\"Ingress\""))
            .hasCode(200);

    assertThat(forced.text("/metadata/labels/x")).isEqualTo("2");
    assertThat(forced.text("/metadata/labels/y")).isEqualTo("1");
    assertThat(owners(forced, "/f:spec/f:policyTypes")).containsExactly("b");
    assertThat(owners(forced, "/f:metadata/f:labels/f:x")).containsExactly("b");
    assertThat(owners(forced, "/f:metadata/f:labels/f:y")).containsExactly("a");
    assertThat(forced.at("/metadata/generation").asInt()).isEqualTo(2);
  }

  @Test
  void removesWhatIsNoLongerAppliedAndNobodyElseOwns() {
    apply("removed", "a", "", policy("removed", "{\"x\":\"1\",\"y\":\"1\"}", BOTH)).hasCode(201);
    apply("removed", "b", "", policy("removed", "{\"y\":\"1\"}", BOTH)).hasCode(200);

    Answer without = apply("removed", "a", "", policy("removed", "{}", BOTH)).hasCode(200);

    assertThat(without.at("/metadata/labels").toString()).isEqualTo("{\"y\":\"1\"}");
  }

  @Test
  void triesWithoutATrace() {
    Answer created = apply("dry", "a", "", policy("dry", "{\"x\":\"1\"}", BOTH)).hasCode(201);

    Answer dry =
        apply("dry", "a", "&dryRun=All", policy("dry", "{\"x\":\"2\"}", BOTH)).hasCode(200);

    assertThat(dry.text("/metadata/labels/x")).isEqualTo("2");
    assertThat(api.get(in("networkpolicies", "dry")).body()).isEqualTo(created.body());
    apply("dry-new", "a", "&dryRun=All", policy("dry-new", "{}", BOTH)).hasCode(201);
    api.get(in("networkpolicies", "dry-new")).isRefused(404, "NotFound");
  }

  @Test
  void locksWithAVersion() {
    Answer created = apply("versioned", "a", "", policy("versioned", "{}", BOTH)).hasCode(201);
    String locked =
        policy("versioned", "{\"x\":\"1\"}", BOTH)
            .replace("\"labels\"", "\"resourceVersion\":\"" + created.version() + "\",\"labels\"");

    apply("versioned", "a", "", locked).hasCode(200);
    apply("versioned", "a", "", locked.replace("\"1\"", "\"2\""))
        .isRefused(409, "Conflict")
        .containing("the object has been modified");
  }

  @Test
  void sharesListsOfScalarsAndOfKeyedObjects() {
    apply(
            "lists",
            "a",
            "",
            policy("lists", "{\"x\":\"1\"}", BOTH)
                .replace("\"labels\"", "\"finalizers\":[\"example.com/a\"],\"labels\""))
        .hasCode(201);

    Answer both =
        apply(
                "lists",
                "b",
                "",
                policy("lists", "{\"x\":\"1\"}", BOTH)
                    .replace("\"labels\"", "\"finalizers\":[\"example.com/b\"],\"labels\""))
            .hasCode(200);
    Answer one = apply("lists", "a", "", policy("lists", "{\"x\":\"1\"}", BOTH)).hasCode(200);

    assertThat(both.at("/metadata/finalizers")).hasSize(2);
    assertThat(one.at("/metadata/finalizers").toString()).isEqualTo("[\"example.com/b\"]");
    apply("lists", "b", "", policy("lists", "{\"x\":\"1\"}", BOTH)).hasCode(200);
  }

  @Test
  void ownsAnEmptyCollectionThatItNames() {
    apply("empty", "a", "", policy("empty", "{}", BOTH)).hasCode(201);

    apply("empty", "b", "", policy("empty", "{}", BOTH))
        .isRefused(409, "Conflict")
        .saying("Apply failed with 1 conflict: conflict with \"a\": .metadata.labels");
    Answer first = apply("empty", "a", "", policy("empty", "{}", BOTH)).hasCode(200);
    Answer second = apply("empty", "a", "", policy("empty", "{}", BOTH)).hasCode(200);
    assertThat(second.version()).isEqualTo(first.version());
  }

  @Test
  void appliesWorkloadsToo() {
    String path = in("deployments", "workload");
    api.apply(path + "?fieldManager=a", deployment("workload", 0)).hasCode(201);

    api.apply(path + "?fieldManager=b", replicas(1))
        .isRefused(409, "Conflict")
        .containing("conflict with \"a\": .spec.replicas");
    Answer forced = api.apply(path + "?fieldManager=b&force=true", replicas(1)).hasCode(200);

    assertThat(forced.at("/spec/replicas").asInt()).isEqualTo(1);
    assertThat(owners(forced, "/f:spec/f:replicas")).containsExactly("b");
    assertThat(owners(forced, "/f:spec/f:selector")).containsExactly("a");
  }

  private static String replicas(int replicas) {
    return "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"workload\"},\"spec\":{\"replicas\":"
        + replicas
        + "}}";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {} | 400
          {"apiVersion":"networking.k8s.io/v1","kind":"Pod","metadata":{"name":"invalid"}} | 400
          {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"other"}} | 400
          {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"invalid","managedFields":[{}]}} | 400
          {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"invalid"},"spec":{"bogus":1}} | 500
          {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"invalid"},"spec":{"policyTypes":["Up"]}} | 422
          [] | 400
          """)
  void refusesInvalidConfigurations(String configuration, int code) {
    apply("invalid", "a", "", configuration).hasCode(code);
    api.get(in("networkpolicies", "invalid")).isRefused(404, "NotFound");
  }

  @Test
  void needsAFieldManager() {
    Answer refused =
        api.apply(in("networkpolicies", "anonymous"), policy("anonymous", "{}", BOTH))
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly("fieldManager");
  }

  private Answer apply(String name, String manager, String options, String configuration) {
    return api.apply(
        in("networkpolicies", name) + "?fieldManager=" + manager + options, configuration);
  }

  private static String policy(String name, String labels, String types) {
    return """
    {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"%s","labels":%s},
     "spec":{"podSelector":{"matchLabels":{"contained":"yes"}},"policyTypes":[%s]}}\
    """
        .formatted(name, labels, types);
  }

  private static List<String> owners(Answer answer, String pointer) {
    List<String> owners = new ArrayList<>();
    answer
        .at("/metadata/managedFields")
        .forEach(
            m -> {
              if (!m.path("fieldsV1").at(pointer).isMissingNode()) {
                owners.add(m.path("manager").asText());
              }
            });
    return owners;
  }
}
