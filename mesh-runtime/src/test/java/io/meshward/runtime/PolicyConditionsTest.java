package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyConditionsTest {
  private static final SpiffeId FRONTEND = Calls.FRONTEND;
  private static final String ROLES =
      "{\"roles\": {\"clerk\": [\"spiffe://shop.test/ns/shop/sa/frontend\"],"
          + " \"auditor\": [\"spiffe://audit.test/*\"]}}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "peer.id|spiffe://shop.test/ns/shop/*|YES",
        "peer.id|spiffe://shop.test/ns/sho/*|NO",
        "peer.role|clerk|YES",
        "peer.role|auditor|NO",
        "peer.trust_domain|shop.test|YES",
        "peer.trust_domain|shop|NO",
        "peer.namespace|shop|YES",
        "peer.namespace|sh*|YES",
        "peer.namespace|sa|NO",
        "peer.service_account|frontend|YES",
        "peer.ip|10.1.2.3|YES",
        "peer.ip|10.1.2.4|NO",
        "peer.ip|10.0.0.0/8|YES",
        "peer.ip|10.1.2.2/31|YES",
        "peer.ip|10.1.2.0/31|NO",
        "peer.ip|::/0|NO",
        "local.port|8443|YES",
        "local.port|844|NO",
        "tls.mutual|true|YES",
        "tls.mutual|false|NO",
        "tls.version|TLSv1.3|YES",
        "tls.cipher|TLS_AES_*|YES",
        "rpc.method|/shop.Orders/List|YES",
        "rpc.method|*/List|YES",
        "rpc.method|/shop.Orders/|NO",
        "header.x-env|prod|YES",
        "header.X-Env|pro*|YES",
        "header.x-env|test|NO",
        "jwt.aud|orders|YES",
        "jwt.aud|admin|YES",
        "jwt.aud|billing|NO",
      })
  void looksAtEachFactAndAtItsOpposite(String key, String value, String answer)
      throws InvalidPolicyException {
    boolean matches = answer.equals("YES");

    assertThat(allowed(when("{\"key\": \"%s\", \"values\": [\"%s\"]}".formatted(key, value))))
        .isEqualTo(matches);
    assertThat(allowed(when("{\"key\": \"%s\", \"not_values\": [\"%s\"]}".formatted(key, value))))
        .isEqualTo(!matches);
    assertThat(denied(when("{\"key\": \"%s\", \"values\": [\"%s\"]}".formatted(key, value))))
        .isEqualTo(matches);
    assertThat(denied(when("{\"key\": \"%s\", \"not_values\": [\"%s\"]}".formatted(key, value))))
        .isEqualTo(!matches);
  }

  @ParameterizedTest
  @CsvSource({"jwt.sub", "header.x-absent"})
  void whatIsAbsentNeverAllowsAndIsDeniedWhereSomethingElseWasAskedFor(String key)
      throws InvalidPolicyException {
    String one = when("{\"key\": \"%s\", \"values\": [\"*\"]}".formatted(key));
    String other = when("{\"key\": \"%s\", \"not_values\": [\"a\"]}".formatted(key));

    assertThat(allowed(one)).isFalse();
    assertThat(allowed(other)).isFalse();
    assertThat(denied(one)).isFalse();
    assertThat(denied(other)).isTrue();
    assertThat(decide(policy("allow_rules", other), RiskSource.NONE).reason())
        .isEqualTo("fact_absent");
  }

  @ParameterizedTest
  @CsvSource({
    "lt, 0.3, 0.29, true",
    "lt, 0.3, 0.3, false",
    "lte, 0.3, 0.3, true",
    "gt, 0.3, 0.3, false",
    "gte, 0.3, 0.3, true",
    "gte, 0.3, 0.31, true"
  })
  void boundsTheRiskScore(String bound, double limit, double score, boolean matches)
      throws InvalidPolicyException {
    String rule = when("{\"key\": \"risk.score\", \"%s\": %s}".formatted(bound, limit));

    assertThat(decide(policy("allow_rules", rule), id -> score).allowed()).isEqualTo(matches);
    assertThat(decide(policy("deny_rules", rule), id -> score).allowed()).isEqualTo(!matches);
  }

  @Test
  void refusesWhereARuleNeedsARiskScoreThatIsUnknown() throws InvalidPolicyException {
    String rule = when("{\"key\": \"risk.score\", \"lt\": 0.3}");

    AuthorizationPolicy.Decision allow = decide(policy("allow_rules", rule), RiskSource.NONE);
    AuthorizationPolicy.Decision deny = decide(policy("deny_rules", rule), RiskSource.NONE);

    assertThat(allow)
        .isEqualTo(new AuthorizationPolicy.Decision(false, "allow_rules.r", "risk_unknown"));
    assertThat(deny)
        .isEqualTo(new AuthorizationPolicy.Decision(false, "deny_rules.r", "risk_unknown"));
  }

  @Test
  void anUnknownRiskDoesNotMatterToARuleThatAsksForAnotherCallerOrIsNotReached()
      throws InvalidPolicyException {
    AuthorizationPolicy policy =
        read(
            """
            {"name": "p",
             "deny_rules": [{"name": "risky", "source": {"principals": ["spiffe://other.test/*"]},
               "when": [{"key": "risk.score", "gte": 0.9}]}],
             "allow_rules": [
               {"name": "careful", "when": [{"key": "risk.score", "lt": 0.1}]},
               {"name": "always", "source": {"principals": ["spiffe://shop.test/*"]}}]}
            """);

    assertThat(decide(policy, RiskSource.NONE).ruleId()).isEqualTo("allow_rules.always");
  }

  @Test
  void measuresTheCallersSvidInMilliseconds() throws InvalidPolicyException {
    PeerIdentity peer = Calls.peer(Calls.leaf(FRONTEND), FRONTEND);
    Clock clock = Clock.fixed(peer.notAfter().minusSeconds(60), ZoneOffset.UTC);
    long lifetime = Duration.between(peer.notBefore(), peer.notAfter()).toMillis();

    for (String condition :
        List.of(
            "{\"key\": \"cert.ttl_left_ms\", \"gte\": 60000, \"lte\": 60000}",
            "{\"key\": \"cert.lifetime_ms\", \"gte\": %d, \"lte\": %d}"
                .formatted(lifetime, lifetime),
            "{\"key\": \"cert.age_ms\", \"gt\": %d, \"lt\": %d}"
                .formatted(lifetime - 60_001, lifetime - 59_999))) {
      CallFacts call =
          Calls.of(
              ConnectionFacts.of(peer, Calls.transport(peer.certificate())),
              "/a/b",
              new Metadata(),
              RiskSource.NONE,
              TokenClaims.ABSENT,
              clock);
      assertThat(policy("allow_rules", when(condition)).decide(call).allowed())
          .as(condition)
          .isTrue();
    }
  }

  @Test
  void aCallerOnAUnixSocketHasNoAddress() throws InvalidPolicyException {
    CallFacts call =
        Calls.of(
            ConnectionFacts.of(Calls.peer(Calls.leaf(FRONTEND), FRONTEND), Attributes.EMPTY),
            "/a/b",
            new Metadata(),
            RiskSource.NONE,
            TokenClaims.ABSENT,
            Clock.systemUTC());
    String in = when("{\"key\": \"peer.ip\", \"values\": [\"0.0.0.0/0\"]}");
    String out = when("{\"key\": \"peer.ip\", \"not_values\": [\"0.0.0.0/0\"]}");

    assertThat(policy("allow_rules", in).decide(call).allowed()).isFalse();
    assertThat(policy("allow_rules", out).decide(call).allowed()).isFalse();
    assertThat(policy("deny_rules", in).decide(call).allowed()).isTrue();
    assertThat(policy("deny_rules", out).decide(call).allowed()).isFalse();
  }

  @Test
  void aRevisionDependsOnWhoHasTheRolesThatAPolicyNames() throws InvalidPolicyException {
    PolicyNode policy =
        PolicyDocument.readOne(
            "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"when\":"
                + " [{\"key\": \"peer.role\", \"values\": [\"clerk\"]}]}]}",
            "policy");

    String before = new PolicyReader(Roles.read(ROLES)).read(policy).revision();
    String other = ROLES.replace("frontend", "orders");
    assertThat(new PolicyReader(Roles.read(ROLES)).read(policy).revision()).isEqualTo(before);
    assertThat(new PolicyReader(Roles.read(other)).read(policy).revision()).isNotEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"key\": \"peer.name\", \"values\": [\"a\"]}|when[0].key is \"peer.name\": expected one"
            + " of",
        "{\"values\": [\"a\"]}|key is missing",
        "{\"key\": \"peer.id\"}|either values or not_values",
        "{\"key\": \"tls.version\", \"values\": [\"a\"], \"not_values\": [\"b\"]}|either values or",
        "{\"key\": \"tls.version\", \"values\": []}|values is []",
        "{\"key\": \"tls.version\", \"values\": [\"a\"], \"lt\": 1}|lt is unknown",
        "{\"key\": \"peer.id\", \"values\": [\"spiffe://a/pay*\"]}|pattern of SPIFFE IDs",
        "{\"key\": \"peer.role\", \"values\": [\"clark\"]}|has [auditor, clerk]",
        "{\"key\": \"peer.ip\", \"values\": [\"10.0.0.1/8\"]}|bits set behind",
        "{\"key\": \"peer.ip\", \"values\": [\"10.0.0.0/33\"]}|no IP address",
        "{\"key\": \"peer.ip\", \"values\": [\"localhost\"]}|no IP address",
        "{\"key\": \"header.grpc-timeout\", \"values\": [\"1\"]}|cannot look at this header",
        "{\"key\": \"header.\", \"values\": [\"1\"]}|at least 1 tchar",
        "{\"key\": \"risk.score\"}|no bound",
        "{\"key\": \"risk.score\", \"lt\": 30}|a number from 0 to 1",
        "{\"key\": \"risk.score\", \"lt\": \"0.3\"}|expected a number",
        "{\"key\": \"risk.score\", \"lt\": 0.3, \"lte\": 0.4}|one side twice",
        "{\"key\": \"risk.score\", \"lt\": 0.3, \"gt\": 0.4}|bounds nothing",
        "{\"key\": \"risk.score\", \"lt\": 0.3, \"gte\": 0.3}|bounds nothing",
        "{\"key\": \"risk.score\", \"values\": [\"1\"]}|values is unknown",
      })
  void saysWhatIsWrongWithACondition(String condition, String words) {
    assertThatThrownBy(() -> policy("allow_rules", when(condition)))
        .isInstanceOf(InvalidPolicyException.class)
        .hasMessageContaining(words);
  }

  private static String when(String condition) {
    return "{\"name\": \"r\", \"when\": [" + condition + "]}";
  }

  private static boolean allowed(String rule) throws InvalidPolicyException {
    return decide(policy("allow_rules", rule), RiskSource.NONE).allowed();
  }

  private static boolean denied(String rule) throws InvalidPolicyException {
    return !decide(policy("deny_rules", rule), RiskSource.NONE).allowed();
  }

  private static AuthorizationPolicy policy(String list, String rule)
      throws InvalidPolicyException {
    String open = list.equals("deny_rules") ? ", \"allow_rules\": [{\"name\": \"open\"}]" : "";
    return read("{\"name\": \"p\", \"%s\": [%s]%s}".formatted(list, rule, open));
  }

  private static AuthorizationPolicy read(String json) throws InvalidPolicyException {
    return new PolicyReader(Roles.read(ROLES)).read(PolicyDocument.readOne(json, "policy"));
  }

  private static AuthorizationPolicy.Decision decide(AuthorizationPolicy policy, RiskSource risk) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("x-env", Metadata.ASCII_STRING_MARSHALLER), "prod");
    Map<String, List<String>> claims = Map.of("aud", List.of("orders", "admin"));
    return policy.decide(
        Calls.of(
            FRONTEND,
            "/shop.Orders/List",
            metadata,
            risk,
            claim -> claims.getOrDefault(claim, List.of())));
  }
}
