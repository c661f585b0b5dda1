package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyReaderTest {
  private static final SpiffeId FRONTEND = SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend");

  @Test
  void deniesFirstThenAllowsThenDenies() throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "orders",
             "deny_rules": [{"name": "no admin", "request": {"paths": ["/shop.Admin/*"]}}],
             "allow_rules": [
               {"name": "frontend", "source": {"principals": ["spiffe://shop.test/ns/shop/sa/frontend"]}}]}
            """);

    assertThat(decide(policy, "/shop.Orders/List").allowed()).isTrue();
    assertThat(decide(policy, "/shop.Orders/List").ruleId()).isEqualTo("allow_rules.frontend");
    assertThat(decide(policy, "/shop.Admin/Wipe").allowed()).isFalse();
    assertThat(decide(policy, "/shop.Admin/Wipe").ruleId()).isEqualTo("deny_rules.no admin");
    AuthorizationPolicy.Decision stranger =
        policy.decide(
            Calls.of(SpiffeId.parse("spiffe://shop.test/ns/shop/sa/front"), "/shop.Orders/List"));
    assertThat(stranger.allowed()).isFalse();
    assertThat(stranger.reason()).isEqualTo("no_rule");
  }

  @Test
  void refusesEverythingWithoutAPolicy() {
    AuthorizationPolicy.Decision decision =
        AuthorizationPolicy.REFUSE_ALL.decide(Calls.of(FRONTEND, "/shop.Orders/List"));

    assertThat(decision.allowed()).isFalse();
    assertThat(decision.reason()).isEqualTo("no_policy");
  }

  @ParameterizedTest
  @CsvSource({
    "spiffe://shop.test/ns/shop/sa/frontend, true",
    "spiffe://shop.test/ns/shop/sa/*, true",
    "spiffe://shop.test/ns/shop/*, true",
    "spiffe://shop.test/*, true",
    "SPIFFE://SHOP.TEST/ns/shop/*, true",
    "*, true",
    "spiffe://shop.test/ns/shop/sa/front, false",
    "spiffe://shop.test/ns/shop/sa/frontend/*, false",
    "spiffe://shop.test/ns/sho/*, false",
    "spiffe://other.test/*, false",
    "spiffe://shop.test/NS/shop/*, false"
  })
  void matchesPrincipalsByWholeSegments(String principal, boolean matches)
      throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "p", "allow_rules": [{"name": "r", "source": {"principals": ["%s"]}}]}
            """
                .formatted(principal));

    assertThat(decide(policy, "/a/b").allowed()).isEqualTo(matches);
  }

  @ParameterizedTest
  @CsvSource({
    "/shop.Orders/List, true",
    "/shop.Orders/*, true",
    "/shop.*, true",
    "*/List, true",
    "*, true",
    "/shop.Orders/Lis, false",
    "*/Get, false"
  })
  void matchesPathsAsA43Says(String path, boolean matches) throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "p", "allow_rules": [{"name": "r", "request": {"paths": ["%s"]}}]}
            """
                .formatted(path));

    assertThat(decide(policy, "/shop.Orders/List").allowed()).isEqualTo(matches);
  }

  @Test
  void matchesAllHeadersOfARuleAndAnyValueOfAHeader() throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "p", "allow_rules": [{"name": "r", "request": {"headers": [
              {"key": "X-Env", "values": ["prod*", "stage"]},
              {"key": "x-tenant", "values": ["*"]}]}}]}
            """);

    assertThat(allowed(policy, Map.of("x-env", "production", "x-tenant", "a"))).isTrue();
    assertThat(allowed(policy, Map.of("x-env", "stage", "x-tenant", "a"))).isTrue();
    assertThat(allowed(policy, Map.of("x-env", "stage2", "x-tenant", "a"))).isFalse();
    assertThat(allowed(policy, Map.of("x-env", "stage"))).isFalse();
    assertThat(allowed(policy, Map.of("x-env", "stage", "x-tenant", ""))).isFalse();
  }

  @Test
  void seesSeveralValuesOfAHeaderAsOneWithCommas() throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "p", "allow_rules": [{"name": "r", "request": {"headers": [
              {"key": "x-env", "values": ["a,b"]}]}}]}
            """);
    Metadata headers = new Metadata();
    Metadata.Key<String> key = Metadata.Key.of("x-env", Metadata.ASCII_STRING_MARSHALLER);
    headers.put(key, "a");
    headers.put(key, "b");

    assertThat(policy.decide(Calls.of(FRONTEND, "/a/b", headers)).allowed()).isTrue();
  }

  @Test
  void hasARevisionThatIsItsContentAndNotItsForm() throws InvalidPolicyException {
    String rules = "\"allow_rules\": [{\"name\": \"r\"}]";

    assertThat(read("{\"name\": \"p\", " + rules + "}").revision())
        .isEqualTo(read("{" + rules + ",\n \"name\":\"p\"}").revision())
        .isNotEqualTo(read("{\"name\": \"q\", " + rules + "}").revision());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{not json|line 1",
        "not json|policy is",
        "a: [|not YAML",
        "[]|policy is []",
        "{\"name\": \"p\"}|allow_rules is missing",
        "{\"allow_rules\": [{\"name\": \"r\"}]}|policy.name is missing",
        "{\"name\": \"p\", \"allow_rules\": []}|allow_rules is []",
        "{\"name\": \"p\", \"allow_rule\": [{\"name\": \"r\"}]}|policy.allow_rule is unknown",
        "{\"name\": \"p\", \"name\": \"q\", \"allow_rules\": [{\"name\": \"r\"}]}|uplicate",
        "{\"name\": \"p\", \"allow_rules\": [{}]}|allow_rules[0].name is missing",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\"}, {\"name\": \"r\"}]}|earlier rule's",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"sources\": {}}]}|[0].sources is"
            + " unknown",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " []}}]}|principals is []",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"\"]}}]}|principals[0] is \"\"",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"spiffe://a/pay*\"]}}]}|pattern of SPIFFE IDs",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"*/sa/a\"]}}]}|pattern of SPIFFE IDs",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"request\": {\"paths\":"
            + " [\"/a*b\"]}}]}|at most one *",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"request\": {\"paths\":"
            + " [\"*a*\"]}}]}|at most one *",
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"request\": {\"headers\":"
            + " [{\"key\": \"a\"}]}}]}|values is missing",
      })
  void saysWhatIsWrongWithAPolicyAndWhere(String json, String words) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(InvalidPolicyException.class)
        .hasMessageContaining(words);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a: 1\na: 2",
        "a: 1\n---\nb: 2",
        "a: &x [1]\nb: *x\nc: *x",
        "1: a",
        "a: !!binary YQ=="
      })
  void refusesYamlThatJsonCouldNotSay(String yaml) {
    assertThatThrownBy(() -> PolicyDocument.readOne(yaml, "policy"))
        .isInstanceOf(InvalidPolicyException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {":path", "grpc-timeout", "GRPC-Status", "host", "Connection", "te", "a-bin"})
  void refusesHeadersThatRulesCannotLookAt(String key) {
    assertThatThrownBy(
            () ->
                read(
                    """
                    {"name": "p", "allow_rules": [{"name": "r", "request": {
                      "headers": [{"key": "%s", "values": ["a"]}]}}]}
                    """
                        .formatted(key)))
        .isInstanceOf(InvalidPolicyException.class)
        .hasMessageContaining("cannot look at this header");
  }

  private static AuthorizationPolicy read(String json) throws InvalidPolicyException {
    return new PolicyReader(Roles.NONE).read(PolicyDocument.readOne(json, "policy"));
  }

  private static AuthorizationPolicy.Decision decide(AuthorizationPolicy policy, String path) {
    return policy.decide(Calls.of(FRONTEND, path));
  }

  private static boolean allowed(AuthorizationPolicy policy, Map<String, String> headers) {
    Metadata metadata = headers();
    headers.forEach(
        (key, value) ->
            metadata.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value));
    return policy.decide(Calls.of(FRONTEND, "/a/b", metadata)).allowed();
  }

  private static Metadata headers() {
    return new Metadata();
  }
}
