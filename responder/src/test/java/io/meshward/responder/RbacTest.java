package io.meshward.responder;

import static io.meshward.responder.Stand.known;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.meshward.daemon.ConfigFile;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.responder.ClusterAction.Preparation;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Target;
import io.meshward.schemas.TrustDomain;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What {@code deploy/responder-rbac.yaml} grants is enough for every shipped action, and nothing of
 * it can be left out. Needs a real cluster, which it gives back as it was.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RbacTest {
  private static final Path MANIFEST = Path.of("..", "deploy", "responder-rbac.yaml");
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Path folder;
  private final String suffix = "-" + UUID.randomUUID().toString().substring(0, 8);
  private KubernetesClient admin;
  private Shop shop;
  private List<HasMetadata> applied = List.of();
  private KubernetesConnection connection;
  private ClusterView view;
  private Informers informers;
  private ScaleAction scale;
  private IsolateAction isolate;

  @BeforeAll
  void applyTheManifest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    String kubeconfig = System.getenv("MESHWARD_TEST_KUBECONFIG");
    assumeTrue(kubeconfig != null, "MESHWARD_TEST_KUBECONFIG names no disposable cluster");
    shop = new Shop(Files.readString(Path.of(known(kubeconfig))));
    admin = shop.client;
    var _ =
        admin
            .namespaces()
            .resource(
                new NamespaceBuilder()
                    .withNewMetadata()
                    .withName(Shop.NAMESPACE)
                    .endMetadata()
                    .build())
            .create();
    String manifest =
        Files.readString(MANIFEST)
            .replace("meshward-system", "meshward-system" + suffix)
            .replace("meshward-responder", "meshward-responder" + suffix);
    applied = admin.load(new ByteArrayInputStream(manifest.getBytes(UTF_8))).serverSideApply();
    connection = KubernetesConnection.open(kubeconfig(), Duration.ofSeconds(10));
    view =
        new ClusterView(
            new PodReader(Stand.CLUSTER, TrustDomain.parse("example.org"), false),
            InstantSource.system(),
            Duration.ofMinutes(10));
    PodSelectors selectors = new PodSelectors();
    scale = new ScaleAction(connection.api(), view, InstantSource.system());
    isolate = new IsolateAction(connection.api(), view, selectors, InstantSource.system());
    Stand.eventually(
        "the API server knows the rules", () -> missing().isEmpty(), () -> missing().toString());
    informers = new Informers(connection.client(), view, selectors, Duration.ofMinutes(10));
    Stand.eventually("the informers see everything", view::complete);
  }

  /** Also before the first: a role that was just applied takes a moment to count. */
  @BeforeEach
  void grantEverything() {
    roles().forEach(this::replace);
    Stand.eventually(
        "the API server knows the rules", () -> missing().isEmpty(), () -> missing().toString());
  }

  /** What an action could not take back. */
  @AfterEach
  void removePolicies() {
    var _ = admin.network().v1().networkPolicies().inNamespace(Shop.NAMESPACE).delete();
  }

  private List<ClusterRole> roles() {
    return applied.stream()
        .filter(ClusterRole.class::isInstance)
        .map(ClusterRole.class::cast)
        .toList();
  }

  @AfterAll
  void leaveNothingBehind() {
    if (informers != null) {
      informers.close();
    }
    if (connection != null) {
      connection.close();
    }
    if (shop != null) {
      applied.forEach(object -> admin.resource(object).delete());
      var _ = admin.namespaces().withName(Shop.NAMESPACE).delete();
      Stand.eventually(
          "the namespace is gone", () -> admin.namespaces().withName(Shop.NAMESPACE).get() == null);
      shop.close();
    }
  }

  @Test
  void isEnoughForEveryShippedAction() {
    shop.deploy("frontend", 2);
    Target frontend = shop.target("frontend");
    StepContext scaling = step(frontend);
    ObjectNode prior = prepared(scale, scaling);
    assertThat(done(scale, scaling, prior)).isEqualTo(new Outcome.Done("replicas 2 → 0"));
    assertThat(scale.verify(scaling, prior).passed()).isTrue();
    assertThat(undone(scale, scaling, prior)).isEqualTo(new Outcome.Done("replicas 0 → 2"));

    shop.deploy("auth-proxy", 2);
    Target pod = shop.target("auth-proxy");
    StepContext isolating = step(pod);
    ObjectNode before = prepared(isolate, isolating);
    assertThat(done(isolate, isolating, before)).isInstanceOf(Outcome.Done.class);
    assertThat(isolate.verify(isolating, before).passed()).isTrue();
    assertThat(undone(isolate, isolating, before)).isInstanceOf(Outcome.Done.class);
    assertThat(shop.findPod(known(pod.pod()))).isNull();
    assertThat(shop.policies()).isEmpty();

    assertThat(connection.api().get("/apis/batch/v1/namespaces/shop/jobs/none"))
        .isInstanceOf(ApiResult.Absent.class);
    assertThat(connection.api().create("/apis/events.k8s.io/v1/namespaces/shop/events", event()))
        .isInstanceOf(ApiResult.Ok.class);
  }

  @Test
  void isNotMoreThanIsNeeded() {
    for (HasMetadata object : applied) {
      if (object instanceof ClusterRole role) {
        for (PolicyRule rule : role.getRules()) {
          for (String resource : rule.getResources()) {
            for (String verb : rule.getVerbs()) {
              String group = rule.getApiGroups().getFirst();
              String permission = new Permission(group, resource, verb).toString();

              replace(without(role, resource, group, verb));

              Stand.eventually(
                  "it notices that this is missing: " + permission,
                  () -> missing().map(words -> words.contains(permission + " in ")).orElse(false),
                  () -> missing().toString());
              assertThat(missing().orElseThrow()).as(permission).doesNotContain("; ");
            }
          }
        }
        replace(role);
        Stand.eventually("it has everything again", () -> missing().isEmpty());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "apps, deployments/scale, patch",
    "autoscaling, horizontalpodautoscalers, list",
    "'', pods, patch",
    "'', pods, delete",
    "networking.k8s.io, networkpolicies, create",
    "networking.k8s.io, networkpolicies, patch",
    "networking.k8s.io, networkpolicies, delete",
  })
  void anActionThatLacksARuleSaysWhich(String group, String resource, String verb) {
    String name = "lacks-" + (resource + "-" + verb).replace('/', '-');
    shop.deploy(name, 1);
    StepContext step = step(shop.target(name));
    for (HasMetadata object : applied) {
      if (object instanceof ClusterRole role) {
        replace(without(role, resource, group, verb));
      }
    }
    Stand.eventually("the API server knows it", () -> missing().isPresent());
    ClusterAction action =
        resource.contains("scale") || resource.contains("autoscalers") ? scale : isolate;
    ObjectNode prior = prepared(action, step);

    Outcome outcome = done(action, step, prior);
    if (outcome instanceof Outcome.Done) {
      outcome = undone(action, step, prior);
    }

    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed ->
                assertThat(failed.reason())
                    .startsWith("403: ")
                    .contains("cannot " + verb + " resource \"" + resource + "\""));
  }

  @Test
  void theResponderDoesNotStartWithoutARule() {
    for (HasMetadata object : applied) {
      if (object instanceof ClusterRole role) {
        replace(without(role, "deployments/scale", "apps", "patch"));
      }
    }
    Stand.eventually("the API server knows it", () -> missing().isPresent());

    assertThatThrownBy(() -> Responder.start(config()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("patch apps/deployments/scale in namespace shop");
  }

  private ResponderConfig config() {
    return ConfigFile.parse(
        """
        kafka: {bootstrap-servers: '127.0.0.1:1'}
        http: {address: '127.0.0.1:0'}
        cluster: local
        trust-domain: example.org
        kubernetes: {kubeconfig: '%s'}
        playbooks: ../playbooks
        mode: enforce
        enforce: {namespaces: [shop]}
        """
            .formatted(folder.resolve("responder-kubeconfig")),
        "test",
        ResponderConfig.class);
  }

  /** What the responder would say about missing rules; empty if none is. */
  private Optional<String> missing() {
    try {
      new AccessCheck(connection.api())
          .require(AccessCheck.needs(config(), List.of(scale, isolate)), Duration.ofSeconds(10));
      return Optional.empty();
    } catch (IllegalStateException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static ClusterRole without(ClusterRole role, String resource, String group, String verb) {
    List<PolicyRule> rules = new ArrayList<>();
    for (PolicyRule rule : role.getRules()) {
      for (String each : rule.getResources()) {
        List<String> verbs = new ArrayList<>(rule.getVerbs());
        if (each.equals(resource) && rule.getApiGroups().contains(group)) {
          verbs.remove(verb);
        }
        if (!verbs.isEmpty()) {
          rules.add(new PolicyRuleBuilder(rule).withResources(each).withVerbs(verbs).build());
        }
      }
    }
    return new ClusterRoleBuilder(role).withRules(rules).build();
  }

  private void replace(ClusterRole role) {
    var _ =
        admin
            .rbac()
            .clusterRoles()
            .withName(role.getMetadata().getName())
            .edit(current -> new ClusterRoleBuilder(current).withRules(role.getRules()).build());
  }

  /** A kubeconfig of the manifest's service account. */
  private Path kubeconfig() throws IOException {
    Config config = admin.getConfiguration();
    String authority =
        config.getCaCertData() != null
            ? config.getCaCertData()
            : Base64.getEncoder()
                .encodeToString(Files.readAllBytes(Path.of(config.getCaCertFile())));
    String token =
        admin
            .serviceAccounts()
            .inNamespace("meshward-system" + suffix)
            .withName("responder")
            .tokenRequest(new TokenRequestBuilder().withNewSpec().endSpec().build())
            .getStatus()
            .getToken();
    return Files.writeString(
        folder.resolve("responder-kubeconfig"),
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: '%s', certificate-authority-data: '%s'}}]
        users: [{name: u, user: {token: '%s'}}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """
            .formatted(config.getMasterUrl(), authority, token));
  }

  private static StepContext step(Target target) {
    return new StepContext(
        Cluster.CONTAINMENT,
        target,
        EventCodec.object().put("replicas", 0),
        PATIENCE,
        () -> true,
        null);
  }

  private ObjectNode prepared(ClusterAction action, StepContext step) {
    List<ObjectNode> found = new ArrayList<>();
    Stand.eventually(
        "it can be prepared",
        () -> {
          if (action.prepare(step) instanceof Preparation.Ready ready) {
            found.add(ready.prior());
          }
          return !found.isEmpty();
        });
    return found.getFirst();
  }

  private static Outcome done(ClusterAction action, StepContext step, ObjectNode prior) {
    Outcome outcome = action.act(step, prior, false);
    while (outcome instanceof Outcome.Changed(ObjectNode stored, String _)) {
      outcome = action.act(step, stored, false);
    }
    return outcome;
  }

  private static Outcome undone(ClusterAction action, StepContext step, ObjectNode prior) {
    Outcome outcome = action.undo(step, prior);
    while (outcome instanceof Outcome.Changed(ObjectNode stored, String _)) {
      outcome = action.undo(step, stored);
    }
    return outcome;
  }

  private static ObjectNode event() {
    ObjectNode event = EventCodec.object();
    event.put("apiVersion", "events.k8s.io/v1").put("kind", "Event");
    event.putObject("metadata").put("name", "meshward-test").put("namespace", Shop.NAMESPACE);
    event
        .put("eventTime", Instant.now().toString().substring(0, 19) + ".000000Z")
        .put("reportingController", "meshward.io/responder")
        .put("reportingInstance", "test")
        .put("action", "Contain")
        .put("reason", "Contained")
        .put("type", "Normal");
    event
        .putObject("regarding")
        .put("kind", "Namespace")
        .put("name", Shop.NAMESPACE)
        .put("namespace", Shop.NAMESPACE);
    return event;
  }
}
