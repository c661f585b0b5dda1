package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IstioImportTest {
  private static final SpiffeId FRONTEND = Calls.FRONTEND;
  private static final SpiffeId ORDERS = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders");
  private static final SpiffeId BILLING = SpiffeId.parse("spiffe://shop.test/ns/billing/sa/jobs");
  private static final KubernetesWorkload WORKLOAD =
      new KubernetesWorkload("shop", Map.of("app", "orders"));

  @Test
  void readsPrincipalsMethodsAndConditionsAndDeniesFirst() throws InvalidPolicyException {
    PolicySet policies =
        read(
            """
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: callers, namespace: shop}
            spec:
              selector: {matchLabels: {app: orders}}
              rules:
                - from:
                    - source: {principals: [shop.test/ns/shop/sa/frontend]}
                    - source: {namespaces: [billing], ipBlocks: [10.0.0.0/8]}
                  to:
                    - operation: {methods: [POST], paths: [/shop.Orders/*]}
                  when:
                    - {key: "request.headers[x-env]", values: [prod*]}
            ---
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: no-wipe, namespace: istio-system}
            spec:
              action: DENY
              rules:
                - to: [{operation: {paths: [/shop.Orders/Wipe]}}]
            """);
    AuthorizationPolicy policy = policies.enforced();

    assertThat(decide(policy, FRONTEND, "/shop.Orders/List", "prod").ruleId())
        .isEqualTo("allow_rules.shop/callers.rules[0].from[0].to[0]");
    assertThat(decide(policy, BILLING, "/shop.Orders/List", "production").ruleId())
        .isEqualTo("allow_rules.shop/callers.rules[0].from[1].to[0]");
    assertThat(decide(policy, FRONTEND, "/shop.Orders/Wipe", "prod").ruleId())
        .isEqualTo("deny_rules.istio-system/no-wipe.rules[0].to[0]");
    assertThat(decide(policy, FRONTEND, "/shop.Orders/List", "test").allowed()).isFalse();
    assertThat(decide(policy, FRONTEND, "/shop.Payment/List", "prod").allowed()).isFalse();
    assertThat(decide(policy, ORDERS, "/shop.Orders/List", "prod").allowed()).isFalse();
    assertThat(policies.shadow()).isNull();
  }

  @Test
  void whereNoPolicyAllowsIstioServesAndWeRefuse() throws InvalidPolicyException {
    AuthorizationPolicy denyOnly =
        read(rules("action: DENY, rules: [{to: [{operation: {paths: [/a/b]}}]}]")).enforced();

    assertThat(decide(denyOnly, FRONTEND, "/a/c", "prod").allowed()).isFalse();
    assertThat(decide(denyOnly, FRONTEND, "/a/c", "prod").reason()).isEqualTo("no_rule");
  }

  @Test
  void aPolicyWithoutRulesAllowsNothingAndAnEmptyRuleEverything() throws InvalidPolicyException {
    assertThat(decide(read(rules("")).enforced(), FRONTEND, "/a/b", "x").allowed()).isFalse();
    assertThat(decide(read(rules("rules: []")).enforced(), FRONTEND, "/a/b", "x").allowed())
        .isFalse();
    assertThat(decide(read(rules("rules: [{}]")).enforced(), FRONTEND, "/a/b", "x").allowed())
        .isTrue();
  }

  @Test
  void leavesOutPoliciesForOtherWorkloads() throws InvalidPolicyException {
    String elsewhere = rules("rules: [{}]").replace("{name: p}", "{name: p, namespace: billing}");
    String otherLabel = rules("selector: {matchLabels: {app: payment}}, rules: [{}]");

    assertThat(decide(read(elsewhere).enforced(), FRONTEND, "/a/b", "x").allowed()).isFalse();
    assertThat(decide(read(otherLabel).enforced(), FRONTEND, "/a/b", "x").allowed()).isFalse();
  }

  @Test
  void aDryRunIsOnTrialBesideTheEnforcedRules() throws InvalidPolicyException {
    String dryRun =
        rules(
                "action: DENY, rules: [{from: [{source: {principals:"
                    + " [shop.test/ns/shop/sa/frontend]}}]}]")
            .replace("{name: p}", "{name: trial, annotations: {istio.io/dry-run: 'true'}}");
    PolicySet policies = read(rules("rules: [{}]") + "\n---\n" + dryRun);
    AuthorizationPolicy shadow = policies.shadow();

    assertThat(decide(policies.enforced(), FRONTEND, "/a/b", "x").allowed()).isTrue();
    assertThat(shadow).isNotNull();
    if (shadow != null) {
      assertThat(decide(shadow, FRONTEND, "/a/b", "x").ruleId())
          .isEqualTo("deny_rules.trial.rules[0].from[0]");
      assertThat(decide(shadow, ORDERS, "/a/b", "x").allowed()).isTrue();
    }
  }

  @Test
  void readsAListAsKubectlPrintsIt() throws InvalidPolicyException {
    PolicySet policies =
        read(
            """
            apiVersion: v1
            kind: List
            items:
              - apiVersion: security.istio.io/v1beta1
                kind: AuthorizationPolicy
                metadata: {name: a, namespace: shop, resourceVersion: "7"}
                spec: {rules: [{from: [{source: {notPrincipals: [shop.test/ns/shop/*]}}]}]}
            """);

    assertThat(decide(policies.enforced(), BILLING, "/a/b", "x").allowed()).isTrue();
    assertThat(decide(policies.enforced(), ORDERS, "/a/b", "x").allowed()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]",
        "rules: [{when: [{key: request.auth.principal, values: ['*']}]}]",
        "rules: [{when: [{key: request.auth.presenter, values: [gate]}]}]",
        "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]",
      })
  void asksForAVerifiedToken(String spec) throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(rules(spec)
                + (spec.startsWith("action: DENY") ? "\n---\n" + rules("rules: [{}]") : ""))
            .enforced();
    TokenClaims token = claim -> List.of(claim.equals("sub") ? FRONTEND.toString() : "gate");

    assertThat(policy.decide(withToken(token)).allowed()).isTrue();
    assertThat(policy.decide(withToken(TokenClaims.ABSENT)).allowed()).isFalse();
  }

  private static CallFacts withToken(TokenClaims token) {
    return Calls.of(FRONTEND, "/a/b", new Metadata(), RiskSource.NONE, token);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "action: AUDIT, rules: [{}]|spec.action is \"AUDIT\": only ALLOW and DENY",
        "action: CUSTOM, provider: {name: opa}, rules: [{}]|spec.provider is unknown",
        "targetRefs: [{kind: Gateway}], rules: [{}]|spec.targetRefs is unknown",
        "rules: [{from: [{source: {requestPrincipals: ['i/s']}}]}]|requestPrincipals[0] is \"i/s\"",
        "rules: [{when: [{key: request.auth.principal, values: [i/s]}]}]|values[0] is \"i/s\"",
        "rules: [{from: [{source: {serviceAccounts: [shop/a]}}]}]|source.serviceAccounts is",
        "rules: [{to: [{operation: {notHosts: [a]}}]}]|operation.notHosts is",
        "rules: [{from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]}]|source.remoteIpBlocks is",
        "rules: [{from: [{source: {principals: ['*/sa/a']}}]}]|principals[0] is \"*/sa/a\"",
        "rules: [{from: [{source: {principals: ['a/ns/pay*']}}]}]|whole segments",
        "rules: [{to: [{operation: {hosts: [a]}}]}]|operation.hosts is",
        "rules: [{to: [{operation: {methods: [GET]}}]}]|gRPC's are all POST",
        "rules: [{to: [{operation: {notMethods: [POST]}}]}]|gRPC's are all POST",
        "rules: [{to: [{operation: {paths: ['/a/{*}']}}]}]|cannot be represented",
        "rules: [{when: [{key: connection.sni, values: [a]}]}]|connection.sni",
        "rules: [{when: [{key: 'request.auth.claims[a][b]', values: [a]}]}]|claims[a][b]",
        "rules: [{when: [{key: source.ip}]}]|values or notValues",
        "rules: [{form: []}]|form is unknown",
        "selector: {matchExpressions: []}, rules: [{}]|matchExpressions is unknown",
      })
  void namesWhatCannotBeRepresented(String spec, String words) {
    assertThatThrownBy(() -> read(rules(spec)))
        .isInstanceOf(InvalidPolicyException.class)
        .hasMessageContaining(words);
  }

  @Test
  void doesNotGuessWhomAPolicyIsFor() {
    assertThatThrownBy(
            () ->
                IstioImport.read(
                    PolicyDocument.read(
                        rules("selector: {matchLabels: {app: orders}}, rules: [{}]"), "policy"),
                    null))
        .isInstanceOf(InvalidPolicyException.class)
        .hasMessageContaining("policy p is for certain workloads");
  }

  private static String rules(String spec) {
    return """
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: p}
    spec: {%s}
    """
        .formatted(spec);
  }

  private static PolicySet read(String yaml) throws InvalidPolicyException {
    List<PolicyNode> documents = PolicyDocument.read(yaml, "policy");
    assertThat(documents).allMatch(IstioImport::reads);
    return PolicySet.read(yaml, Roles.NONE, WORKLOAD);
  }

  private static AuthorizationPolicy.Decision decide(
      AuthorizationPolicy policy, SpiffeId caller, String path, String environment) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("x-env", Metadata.ASCII_STRING_MARSHALLER), environment);
    return policy.decide(Calls.of(caller, path, metadata));
  }
}
