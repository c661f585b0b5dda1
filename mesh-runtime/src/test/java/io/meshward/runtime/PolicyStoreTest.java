package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.runtime.PolicyStore.PolicyFiles;
import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PolicyStoreTest {
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");

  @TempDir Path folder;
  private final List<String> heard = new ArrayList<>();

  private final PolicyStore.Listener listener =
      new PolicyStore.Listener() {
        @Override
        public void policyLoaded(PolicySet policies) {
          heard.add("loaded " + policies.enforced().name());
        }

        @Override
        public void policyRejected(PolicySet kept, String problem) {
          heard.add("kept " + kept.enforced().name() + ": " + problem);
        }
      };

  @Test
  void theFirstLoadMustSucceed() throws IOException {
    assertThatThrownBy(() -> store(folder.resolve("absent.json")).load())
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("absent.json: no such file");
    assertThatThrownBy(() -> store(write("bad.json", "{\"name\": \"p\"}")).load())
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("bad.json")
        .hasMessageContaining("allow_rules is missing");
  }

  @Test
  void aLaterBadPolicyKeepsTheLastGoodOneAndIsReportedOnce() throws IOException {
    Path file = write("policy.json", policy("first"));
    PolicyStore store = loaded(store(file));

    write("policy.json", "{");
    store.reload();
    store.reload();
    assertThat(store.current().enforced().name()).isEqualTo("first");
    assertThat(store.problem()).contains("policy.json").contains("line 1");
    Files.delete(file);
    store.reload();
    write("policy.json", policy("first"));
    store.reload();
    assertThat(store.problem()).isNull();
    write("policy.json", policy("second"));
    store.reload();

    assertThat(store.current().enforced().name()).isEqualTo("second");
    assertThat(heard).hasSize(4);
    assertThat(heard.get(0)).isEqualTo("loaded first");
    assertThat(heard.get(1)).startsWith("kept first: ").contains("line 1");
    assertThat(heard.get(2)).startsWith("kept first: ").contains("no such file");
    assertThat(heard.get(3)).isEqualTo("loaded second");
  }

  @Test
  void followsTheSymbolicLinksOfAConfigMap() throws IOException {
    Files.createDirectory(folder.resolve("..1"));
    Files.createDirectory(folder.resolve("..2"));
    Files.writeString(folder.resolve("..1/policy.json"), policy("first"));
    Files.writeString(folder.resolve("..2/policy.json"), policy("second"));
    Files.createSymbolicLink(folder.resolve("..data"), Path.of("..1"));
    Path file =
        Files.createSymbolicLink(folder.resolve("policy.json"), Path.of("..data/policy.json"));
    PolicyStore store = loaded(store(file));

    Files.createSymbolicLink(folder.resolve("..data_tmp"), Path.of("..2"));
    Files.move(
        folder.resolve("..data_tmp"), folder.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
    store.reload();

    assertThat(store.current().enforced().name()).isEqualTo("second");
  }

  @Test
  void policyShadowRolesAndServicesAreOneSnapshot() throws IOException {
    String rule =
        "\"allow_rules\": [{\"name\": \"r\", \"when\":"
            + " [{\"key\": \"peer.role\", \"values\": [\"clerk\"]}]}]";
    Path policy = write("policy.json", "{\"name\": \"p\", " + rule + "}");
    Path shadow = write("shadow.json", "{\"name\": \"trial\", " + rule + "}");
    Path roles =
        write("roles.yaml", "roles:\n  clerk: ['spiffe://shop.test/ns/shop/sa/frontend']\n");
    PolicyStore store =
        loaded(
            new PolicyStore(
                new PolicyFiles(policy, shadow, roles, null),
                null,
                AuthorizationPolicy.REFUSE_ALL));
    PolicySet before = store.current();
    assertThat(before.enforced().decide(Calls.of(Calls.FRONTEND, "/a/b")).allowed()).isTrue();

    write("roles.yaml", "roles:\n  auditor: ['spiffe://shop.test/ns/shop/sa/frontend']\n");
    store.reload();
    assertThat(store.current()).isSameAs(before);
    assertThat(store.problem()).contains("policy.json").contains("has [auditor]");

    write("roles.yaml", "roles:\n  clerk: ['spiffe://shop.test/ns/shop/sa/orders']\n");
    store.reload();
    PolicySet after = store.current();
    assertThat(after.enforced().decide(Calls.of(Calls.FRONTEND, "/a/b")).allowed()).isFalse();
    assertThat(after.enforced().revision()).isNotEqualTo(before.enforced().revision());
    assertThat(after.shadow()).isNotNull();
  }

  @Test
  void aPolicyIsNotWiderThanItsServicesGranularity() throws IOException {
    Path services =
        write(
            "services.yaml",
            """
            services:
              - ids: ['spiffe://shop.test/ns/shop/sa/orders']
                identity_source: workload_api
                max_svid_lifetime: 15m
                rotation: automatic
                granularity: identity
            """);
    Path file = write("policy.json", principals("spiffe://shop.test/ns/shop/sa/frontend"));
    PolicyStore store =
        loaded(
            new PolicyStore(
                new PolicyFiles(file, null, null, services), null, AuthorizationPolicy.REFUSE_ALL));
    store.servedBy(ORDERS);

    write("policy.json", principals("spiffe://shop.test/ns/shop/*"));
    store.reload();
    assertThat(store.problem()).contains("allow_rules.r is wider").contains("identity");
    assertThat(store.current().enforced().name()).isEqualTo("p");

    Files.writeString(
        services,
        Files.readString(services).replace("granularity: identity", "granularity: path_prefix"));
    store.reload();
    assertThat(store.problem()).isNull();
    write("policy.json", principals("spiffe://shop.test/*"));
    store.reload();
    assertThat(store.problem()).contains("path_prefix");

    Files.writeString(services, Files.readString(services).replace("path_prefix", "gateway"));
    store.reload();
    assertThat(store.problem()).isNull();
  }

  @Test
  void aPublishedPolicyIsTakenAndItsRemovalRefusesAll() throws IOException {
    PolicyStore store =
        new PolicyStore(
            new PolicyFiles(null, null, null, null), null, AuthorizationPolicy.REFUSE_ALL);
    store.load();
    store.listen(listener);
    assertThatThrownBy(() -> store.requirePublished("topic policies"))
        .isInstanceOf(MeshRuntimeException.class)
        .hasMessageContaining("no policy on topic policies");

    store.policy(Optional.of(new PolicySource.Documents(policy("first"), policy("trial"))));
    store.requirePublished("topic policies");
    AuthorizationPolicy shadow = store.current().shadow();
    assertThat(shadow == null ? "none" : shadow.name()).isEqualTo("trial");
    store.policy(Optional.of(new PolicySource.Documents("{", null)));
    assertThat(store.current().enforced().name()).isEqualTo("first");
    store.unreadable("no bundle");
    store.reload();
    assertThat(store.problem()).isEqualTo("no bundle");
    assertThat(store.current().enforced().name()).isEqualTo("first");
    store.policy(Optional.empty());

    assertThat(store.current()).isEqualTo(PolicySet.REFUSE_ALL);
    assertThat(store.current().enforced().decide(Calls.of(ORDERS, "/a/b")).reason())
        .isEqualTo("no_policy");
    assertThat(heard).last().isEqualTo("loaded none");
  }

  private PolicyStore loaded(PolicyStore store) {
    store.load();
    store.listen(listener);
    return store;
  }

  private static PolicyStore store(Path policy) {
    return new PolicyStore(
        new PolicyFiles(policy, null, null, null), null, AuthorizationPolicy.REFUSE_ALL);
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static String policy(String name) {
    return "{\"name\": \"%s\", \"allow_rules\": [{\"name\": \"r\"}]}".formatted(name);
  }

  private static String principals(String pattern) {
    return "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\": [\"%s\"]}}]}"
        .formatted(pattern);
  }
}
