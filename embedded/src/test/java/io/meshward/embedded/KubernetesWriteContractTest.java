package io.meshward.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.embedded.ApiClient.Answer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Creating, replacing and patching: decoding, defaults, validation, optimistic locks, dry runs,
 * field ownership.
 */
class KubernetesWriteContractTest extends KubernetesContract {

  KubernetesWriteContractTest(ContractCluster cluster) {
    super(cluster);
  }

  // Create

  @Test
  void createsWithSystemFieldsAndDefaults() {
    Answer created =
        api.post(in("deployments") + "?fieldManager=creator", deployment("created", 0))
            .hasCode(201);

    assertThat(created.uid()).matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    assertThat(created.version()).matches("[0-9]+");
    assertThat(created.at("/metadata/generation").asInt()).isEqualTo(1);
    assertThat(created.text("/metadata/creationTimestamp"))
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    assertThat(created.text("/metadata/namespace")).isEqualTo(namespace);
    assertThat(created.at("/spec/replicas").asInt()).isZero();
    assertThat(created.text("/spec/strategy/rollingUpdate/maxSurge")).isEqualTo("25%");
    assertThat(created.at("/spec/template/spec/terminationGracePeriodSeconds").asInt())
        .isEqualTo(30);
    assertThat(created.text("/spec/template/spec/containers/0/imagePullPolicy"))
        .isEqualTo("Always");
    assertThat(created.at("/status")).isEmpty();
    assertThat(created.text("/metadata/managedFields/0/manager")).isEqualTo("creator");
    assertThat(created.text("/metadata/managedFields/0/operation")).isEqualTo("Update");
    assertThat(created.at("/metadata/managedFields/0/fieldsV1/f:spec").has("f:replicas")).isTrue();
    assertThat(
            created
                .at("/metadata/managedFields/0/fieldsV1/f:spec/f:template/f:spec/f:containers")
                .has("k:{\"name\":\"main\"}"))
        .isTrue();
  }

  @Test
  void namesTheFieldManagerAfterTheUserAgentIfTheRequestDoesNot() {
    Answer created = api.post(in("deployments"), deployment("agent", 0)).hasCode(201);

    assertThat(created.text("/metadata/managedFields/0/manager")).isEqualTo("contract");
  }

  @Test
  void refusesANameThatIsTaken() {
    api.post(in("deployments"), deployment("taken", 0)).hasCode(201);

    api.post(in("deployments"), deployment("taken", 0))
        .isRefused(409, "AlreadyExists")
        .saying("deployments.apps \"taken\" already exists");
  }

  @Test
  void generatesNames() {
    Answer first =
        api.post(in("serviceaccounts"), "{\"metadata\":{\"generateName\":\"made-\"}}").hasCode(201);
    Answer second =
        api.post(in("serviceaccounts"), "{\"metadata\":{\"generateName\":\"made-\"}}").hasCode(201);

    assertThat(first.name())
        .matches("made-[bcdfghjklmnpqrstvwxz2456789]{5}")
        .isNotEqualTo(second.name());
  }

  @Test
  void refusesANamespaceThatDoesNotExist() {
    api.post("/apis/apps/v1/namespaces/no-such/deployments", deployment("x", 0))
        .isRefused(404, "NotFound")
        .saying("namespaces \"no-such\" not found");
  }

  @Test
  void refusesABodyForAnotherNamespace() {
    api.post(in("serviceaccounts"), "{\"metadata\":{\"name\":\"x\",\"namespace\":\"other\"}}")
        .isRefused(400, "BadRequest")
        .saying(
            "the namespace of the provided object does not match the namespace sent on the"
                + " request");
  }

  @Test
  void refusesAResourceVersionOnCreation() {
    Answer refused =
        api.post(in("serviceaccounts"), "{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"5\"}}")
            .hasCode(500);

    assertThat(refused.text("/message"))
        .isEqualTo("resourceVersion should not be set on objects to be created");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"metadata":{}}                                            | metadata.name
          {"metadata":{"name":"Bad"}}                                | metadata.name
          {"metadata":{"name":"x","labels":{"a b":"c"}}}             | metadata.labels
          {"metadata":{"name":"x","labels":{"a":"b c"}}}             | metadata.labels
          {"metadata":{"name":"x","labels":{"a/b/c":"d"}}}           | metadata.labels
          {"metadata":{"name":"x","annotations":{"a b":"c"}}}        | metadata.annotations
          {"metadata":{"name":"x","finalizers":["unqualified"]}}     | metadata.finalizers[0]
          {"metadata":{"name":"x","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x","uid":""}]}} | metadata.ownerReferences.uid
          """)
  void refusesInvalidMetadata(String body, String field) {
    Answer refused =
        api.post(in("serviceaccounts") + "?dryRun=All", body).isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly(field);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "replicas": 1, | "replicas": -1, | spec.replicas
          "selector": {"matchLabels": {"app": "bad"}}, | "paused": false, | spec.selector,spec.template.metadata.labels
          "selector": {"matchLabels": {"app": "bad"}}, | "selector": {}, | spec.selector
          "selector": {"matchLabels": {"app": "bad"}}, | "selector": {"matchLabels": {"app": "other"}}, | spec.template.metadata.labels
          "selector": {"matchLabels": {"app": "bad"}}, | "selector": {"matchExpressions": [{"key": "app", "operator": "Near"}]}, | spec.selector.matchExpressions[0].operator,spec.selector
          "image": "none" | "image": "" | spec.template.spec.containers[0].image
          "name": "main" | "name": "Main" | spec.template.spec.containers[0].name
          """)
  void refusesAnInvalidWorkload(String part, String replacement, String fields) {
    String body = deployment("bad", 1).replace(part, replacement);

    Answer refused = api.post(in("deployments") + "?dryRun=All", body).isRefused(422, "Invalid");

    assertThat(String.join(",", refused.causes())).isEqualTo(fields);
  }

  @Test
  void refusesAValueOfTheWrongType() {
    api.post(
            in("deployments"),
            deployment("x", 1).replace("\"replicas\": 1", "\"replicas\": \"one\""))
        .isRefused(400, "BadRequest")
        .containing(
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of"
                + " type int32");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"metadata\":", "[]", "\"text\"", "nonsense"})
  void refusesABodyThatIsNoObject(String body) {
    api.post(in("serviceaccounts"), body)
        .isRefused(400, "BadRequest")
        .containing("the object provided is unrecognized");
  }

  @Test
  void refusesAnObjectOfAnotherKind() {
    api.post(in("serviceaccounts"), pod("x", ""))
        .isRefused(400, "BadRequest")
        .containing("cannot be handled as a ServiceAccount");
  }

  @Test
  void refusesABodyOfAnotherType() {
    api.send("POST", in("serviceaccounts"), "{}", "text/plain")
        .isRefused(415, "UnsupportedMediaType");
  }

  @Test
  void dropsUnknownFieldsWithAWarningUnlessAskedToBeStrict() {
    String body = "{\"metadata\":{\"name\":\"unknown\"},\"bogus\":1}";

    Answer warned = api.post(in("serviceaccounts") + "?dryRun=All", body).hasCode(201);
    Answer ignored =
        api.post(in("serviceaccounts") + "?dryRun=All&fieldValidation=Ignore", body).hasCode(201);

    assertThat(warned.headers().allValues("Warning"))
        .containsExactly("299 - \"unknown field \\\"bogus\\\"\"");
    assertThat(warned.body().has("bogus")).isFalse();
    assertThat(ignored.headers().allValues("Warning")).isEmpty();
    api.post(in("serviceaccounts") + "?fieldValidation=Strict", body)
        .isRefused(400, "BadRequest")
        .containing("strict decoding error: unknown field \"bogus\"");
    api.get(in("serviceaccounts", "unknown")).isRefused(404, "NotFound");
  }

  @ParameterizedTest
  @CsvSource({"dryRun=Some,dryRun", "fieldValidation=Near,fieldValidation"})
  void refusesInvalidOptions(String query, String field) {
    Answer refused =
        api.post(in("serviceaccounts") + "?" + query, "{\"metadata\":{\"name\":\"x\"}}")
            .isRefused(422, "Invalid");

    assertThat(refused.text("/details/kind")).isEqualTo("CreateOptions");
    assertThat(refused.causes()).containsExactly(field);
  }

  @Test
  void persistsNothingInADryRun() {
    Answer dry =
        api.post(in("serviceaccounts") + "?dryRun=All", "{\"metadata\":{\"name\":\"dry\"}}")
            .hasCode(201);

    assertThat(dry.uid()).isNotEmpty();
    assertThat(dry.body().at("/metadata").has("resourceVersion")).isFalse();
    api.get(in("serviceaccounts", "dry"))
        .isRefused(404, "NotFound")
        .saying("serviceaccounts \"dry\" not found");
  }

  // Replace

  @Test
  void replacesUnderTheVersionThatWasReadOnly() {
    Answer read = api.post(in("networkpolicies"), policy("replaced", "{}")).hasCode(201);
    String changed =
        read.body()
            .toString()
            .replace("\"podSelector\":{}", "\"podSelector\":{\"matchLabels\":{\"a\":\"b\"}}");

    Answer replaced = api.put(in("networkpolicies", "replaced"), changed).hasCode(200);

    assertThat(replaced.version()).isNotEqualTo(read.version());
    assertThat(replaced.at("/metadata/generation").asInt()).isEqualTo(2);
    assertThat(replaced.uid()).isEqualTo(read.uid());
    api.put(in("networkpolicies", "replaced"), changed)
        .isRefused(409, "Conflict")
        .saying(
            "Operation cannot be fulfilled on networkpolicies.networking.k8s.io \"replaced\": the"
                + " object has been modified; please apply your changes to the latest version and"
                + " try again");
  }

  @Test
  void replacesWhateverTheVersionIfTheBodyNamesNone() {
    api.post(in("networkpolicies"), policy("unlocked", "{}")).hasCode(201);

    Answer replaced =
        api.put(
                in("networkpolicies", "unlocked"),
                policy("unlocked", "{\"matchLabels\":{\"a\":\"b\"}}"))
            .hasCode(200);

    assertThat(replaced.text("/spec/podSelector/matchLabels/a")).isEqualTo("b");
    assertThat(replaced.text("/metadata/creationTimestamp")).isNotEmpty();
  }

  @Test
  void refusesToReplaceAnotherUid() {
    Answer read = api.post(in("networkpolicies"), policy("other-uid", "{}")).hasCode(201);

    api.put(
            in("networkpolicies", "other-uid"),
            read.body().toString().replace(read.uid(), "00000000-0000-0000-0000-000000000000"))
        .isRefused(409, "Conflict")
        .containing(
            "Precondition failed: UID in precondition: 00000000-0000-0000-0000-000000000000, UID in"
                + " object meta: "
                + read.uid());
  }

  @Test
  void refusesToReplaceUnderAnotherName() {
    api.put(in("networkpolicies", "here"), policy("there", "{}"))
        .isRefused(400, "BadRequest")
        .saying("the name of the object (there) does not match the name on the URL (here)");
    api.put(in("networkpolicies", "here"), "{}")
        .isRefused(400, "BadRequest")
        .containing("name must be provided");
    api.put(in("networkpolicies", "here"), policy("here", "{}")).isRefused(404, "NotFound");
  }

  @Test
  void changesNothingWhenTheSameIsWrittenAgain() {
    Answer read = api.post(in("networkpolicies"), policy("same", "{}")).hasCode(201);

    Answer again = api.put(in("networkpolicies", "same"), read.body().toString()).hasCode(200);
    Answer patched =
        api.merge(in("networkpolicies", "same"), "{\"spec\":{\"policyTypes\":[\"Ingress\"]}}")
            .hasCode(200);

    assertThat(again.version()).isEqualTo(read.version());
    assertThat(patched.version()).isEqualTo(read.version());
  }

  // Merge patch

  @Test
  void mergesAndRemovesWithNull() {
    api.post(in("networkpolicies"), policy("merged", "{}")).hasCode(201);
    api.merge(
            in("networkpolicies", "merged"),
            "{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}}")
        .hasCode(200);

    Answer patched =
        api.merge(
                in("networkpolicies", "merged"),
                "{\"metadata\":{\"labels\":{\"a\":null,\"c\":\"3\"}}}")
            .hasCode(200);

    assertThat(patched.at("/metadata/labels").toString()).isEqualTo("{\"b\":\"2\",\"c\":\"3\"}");
    assertThat(patched.at("/metadata/generation").asInt()).isEqualTo(1);
  }

  @Test
  void enforcesTheVersionInAPatch() {
    Answer read = api.post(in("networkpolicies"), policy("locked", "{}")).hasCode(201);
    String patch =
        "{\"metadata\":{\"resourceVersion\":\"" + read.version() + "\",\"labels\":{\"a\":\"b\"}}}";

    api.merge(in("networkpolicies", "locked"), patch).hasCode(200);
    api.merge(in("networkpolicies", "locked"), patch)
        .isRefused(409, "Conflict")
        .containing(
            "the object has been modified; please apply your changes to the latest version and try"
                + " again");
  }

  @Test
  void refusesAPatchToAnotherUid() {
    api.post(in("networkpolicies"), policy("patched-uid", "{}")).hasCode(201);

    Answer refused =
        api.merge(
                in("networkpolicies", "patched-uid"),
                "{\"metadata\":{\"uid\":\"x\",\"labels\":{\"a\":\"b\"}}}")
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).containsExactly("metadata.uid");
    assertThat(api.get(in("networkpolicies", "patched-uid")).at("/metadata").has("labels"))
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"metadata":{"name":"other"}}          | 400 | BadRequest
          {"metadata":{"namespace":"other"}}     | 400 | BadRequest
          {"metadata":{"labels":{"a b":"c"}}}    | 422 | Invalid
          {"spec":{"policyTypes":["Sideways"]}}  | 422 | Invalid
          {"spec":{"policyTypes":"Ingress"}}     | 422 | Invalid
          {"kind":"Pod"}                         | 422 | Invalid
          {"metadata":{"deletionTimestamp":"2020-01-01T00:00:00Z"}} | 422 | Invalid
          []                                     | 400 | BadRequest
          nonsense                               | 400 | BadRequest
          """)
  void refusesWhatAPatchMayNotDo(String patch, int code, String reason) {
    api.post(in("networkpolicies"), policy("guarded", "{}"));

    api.merge(in("networkpolicies", "guarded"), patch).isRefused(code, reason);
  }

  @Test
  void refusesOtherPatchTypesAndWhatIsNotThere() {
    api.send("PATCH", in("networkpolicies", "x"), "{}", "application/json")
        .isRefused(415, "UnsupportedMediaType");
    api.merge(in("networkpolicies", "not-there"), "{}").isRefused(404, "NotFound");
    api.merge(in("networkpolicies", "not-there"), "nonsense").isRefused(404, "NotFound");
    api.merge(in("networkpolicies", "x") + "?force=true", "{}")
        .isRefused(422, "Invalid")
        .containing("force: Forbidden");
  }

  @Test
  void patchesInADryRunWithoutATrace() {
    Answer read = api.post(in("networkpolicies"), policy("dry-patch", "{}")).hasCode(201);

    Answer dry =
        api.merge(
                in("networkpolicies", "dry-patch") + "?dryRun=All",
                "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}")
            .hasCode(200);

    assertThat(dry.text("/metadata/labels/a")).isEqualTo("b");
    assertThat(dry.version()).isEqualTo(read.version());
    assertThat(api.get(in("networkpolicies", "dry-patch")).body()).isEqualTo(read.body());
  }

  @Test
  void recordsWhoChangedWhat() {
    api.post(in("networkpolicies") + "?fieldManager=one", policy("owned", "{}")).hasCode(201);

    Answer patched =
        api.merge(
                in("networkpolicies", "owned") + "?fieldManager=two",
                "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"policyTypes\":[\"Egress\"]}}")
            .hasCode(200);

    assertThat(patched.at("/metadata/managedFields")).hasSize(1);
    assertThat(patched.text("/metadata/managedFields/0/manager")).isEqualTo("two");
    assertThat(patched.at("/metadata/managedFields/0/fieldsV1").toString())
        .isEqualTo(
            "{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{}}},\"f:spec\":{\"f:policyTypes\":{}}}");
  }

  @Test
  void keepsTheSelectorOfAWorkload() {
    api.post(in("deployments"), deployment("selector", 0)).hasCode(201);

    Answer refused =
        api.merge(
                in("deployments", "selector"),
                "{\"spec\":{\"selector\":{\"matchLabels\":{\"x\":\"y\"}}}}")
            .isRefused(422, "Invalid");

    assertThat(refused.causes()).contains("spec.selector");
  }

  @Test
  void countsChangesOfTheSpecificationAsGenerations() {
    api.post(in("deployments"), deployment("generations", 0)).hasCode(201);

    Answer labelled =
        api.merge(in("deployments", "generations"), "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}")
            .hasCode(200);
    Answer annotated =
        api.merge(
                in("deployments", "generations"), "{\"metadata\":{\"annotations\":{\"a\":\"b\"}}}")
            .hasCode(200);
    Answer paused =
        api.merge(
                in("deployments", "generations"),
                "{\"spec\":{\"paused\":true},\"status\":{\"replicas\":7}}")
            .hasCode(200);

    assertThat(labelled.at("/metadata/generation").asInt()).isEqualTo(1);
    assertThat(annotated.at("/metadata/generation").asInt()).isEqualTo(2);
    assertThat(paused.at("/metadata/generation").asInt()).isEqualTo(3);
    assertThat(paused.at("/status/replicas").asInt()).isNotEqualTo(7);
  }

  // JSON patch

  @Test
  void appliesAJsonPatchWhole() {
    Answer read = api.post(in("networkpolicies"), policy("operations", "{}")).hasCode(201);

    Answer patched =
        api.jsonPatch(
                in("networkpolicies", "operations"),
                """
                [{"op":"test","path":"/metadata/uid","value":"%s"},
                 {"op":"add","path":"/metadata/labels","value":{"example.com/a":"1"}},
                 {"op":"copy","from":"/metadata/labels/example.com~1a","path":"/metadata/labels/b"},
                 {"op":"move","from":"/metadata/labels/b","path":"/metadata/labels/c"},
                 {"op":"replace","path":"/metadata/labels/d","value":"added by replace"}]\
                """
                    .formatted(read.uid())
                    .replace("added by replace", "added"))
            .hasCode(200);

    assertThat(patched.at("/metadata/labels").toString())
        .contains("\"example.com/a\":\"1\"", "\"c\":\"1\"", "\"d\":\"added\"")
        .doesNotContain("\"b\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":{\"a\":\"b\"}},{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"x\"}]",
        "[{\"op\":\"remove\",\"path\":\"/metadata/labels/none\"}]",
        "[{\"op\":\"add\",\"path\":\"/metadata/none/a\",\"value\":\"b\"}]",
        "[{\"op\":\"move\",\"from\":\"/metadata/none\",\"path\":\"/metadata/labels\"}]",
        "[{\"op\":\"remove\",\"path\":\"/spec/policyTypes/7\"}]",
        "[{\"op\":\"frobnicate\",\"path\":\"/metadata/labels\"}]",
        "[{\"op\":\"test\",\"path\":\"/metadata/generation\",\"value\":1.0}]"
      })
  void refusesAJsonPatchThatCannotBeApplied(String patch) {
    api.post(in("networkpolicies"), policy("untouched", "{}"));

    api.jsonPatch(in("networkpolicies", "untouched"), patch)
        .isRefused(422, "Invalid")
        .saying("the server rejected our request due to an error in our request");
    assertThat(api.get(in("networkpolicies", "untouched")).at("/metadata").has("labels")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"op\":\"add\"}", "[1]", "nonsense"})
  void refusesAJsonPatchThatIsNone(String patch) {
    api.post(in("networkpolicies"), policy("any", "{}"));

    api.jsonPatch(in("networkpolicies", "any"), patch)
        .isRefused(400, "BadRequest")
        .containing("error decoding patch");
  }

  private static String policy(String name, String podSelector) {
    return "{\"metadata\":{\"name\":\""
        + name
        + "\"},\"spec\":{\"podSelector\":"
        + podSelector
        + ",\"policyTypes\":[\"Ingress\"]}}";
  }
}
