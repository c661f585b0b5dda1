package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.Metadata;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.IssueOptions;
import io.meshward.testkit.IssuedSvid;
import io.meshward.testkit.TestTrustDomain;
import io.meshward.testkit.Variation;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Our engine and gRPC's own, the one behind its gRFC A43 interceptor, decide about the same calls
 * by the same policies. They agree on everything that both can say; each difference has a test of
 * its own.
 */
class GrpcEngineDifferentialTest {
  private static final int POLICIES = 400;
  private static final int CALLS = 25;
  private static final List<SpiffeId> CALLERS =
      List.of(
          Calls.FRONTEND,
          SpiffeId.parse("spiffe://shop.test/ns/shop/sa/orders"),
          SpiffeId.parse("spiffe://shop.test/ns/shopping/sa/orders"),
          SpiffeId.parse("spiffe://shop.test/ns/pay"),
          SpiffeId.parse("spiffe://other.test/ns/shop/sa/frontend"));
  private static final List<String> PRINCIPALS =
      List.of(
          "*",
          "spiffe://shop.test/*",
          "spiffe://shop.test/ns/*",
          "spiffe://shop.test/ns/shop/*",
          "spiffe://shop.test/ns/shop/sa/frontend",
          "spiffe://shop.test/ns/shop/sa/orders",
          "spiffe://shop.test/ns/pay",
          "spiffe://shop.test/ns/pay/*",
          "spiffe://other.test/*");
  private static final List<String> METHODS =
      List.of("/shop.Orders/List", "/shop.Orders/Place", "/shop.Payment/List", "/a/b", "/a/bb");
  private static final List<String> PATHS =
      List.of(
          "*",
          "/*",
          "/shop.*",
          "/shop.Orders/*",
          "/shop.Orders/List",
          "*/List",
          "*List",
          "*b",
          "/a/b",
          "*/a/b",
          "/a/b*",
          "a/b");
  private static final List<String> KEYS = List.of("x-env", "X-Tenant", "user-agent");
  private static final List<String> HEADER_PATTERNS =
      List.of("*", "prod", "prod*", "*tion", "a,b", "a*", "*,b", "production");
  private static final List<String> HEADER_VALUES = List.of("prod", "production", "a", "b", "");

  @Test
  void decidesLikeGrpcWhateverThePolicyAndTheCall() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int allowed = 0;
    for (int i = 0; i < POLICIES; i++) {
      String json = policy(random).toString();
      AuthorizationPolicy ours = ours(json);
      GrpcEngine theirs = new GrpcEngine(EventCodec.readTree(json.getBytes(UTF_8)));
      for (int j = 0; j < CALLS; j++) {
        SpiffeId caller = pick(random, CALLERS);
        String method = pick(random, METHODS);
        Metadata headers = headers(random);
        boolean expected = allows(theirs, caller, method, headers);
        assertThat(ours.decide(Calls.of(caller, method, headers)).allowed())
            .as("seed %d: %s calls %s with %s under %s", seed, caller, method, headers, json)
            .isEqualTo(expected);
        allowed += expected ? 1 : 0;
      }
    }
    assertThat(allowed)
        .as("seed %d: calls that are allowed", seed)
        .isBetween(POLICIES * CALLS / 20, POLICIES * CALLS * 19 / 20);
  }

  @Test
  void refusesAPolicyWithAPrefixWithinASegmentThatGrpcWouldMatch() throws Exception {
    String json =
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"spiffe://shop.test/ns/shop*\"]}}]}";

    assertThat(
            allows(
                theirs(json),
                SpiffeId.parse("spiffe://shop.test/ns/shopping/sa/orders"),
                "/a/b",
                new Metadata()))
        .isTrue();
    assertThatThrownBy(() -> ours(json)).isInstanceOf(InvalidPolicyException.class);
  }

  @Test
  void refusesAPolicyWithASuffixOfPrincipalsThatMatchesInEveryTrustDomain() throws Exception {
    String json =
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"*/sa/frontend\"]}}]}";

    assertThat(
            allows(
                theirs(json),
                SpiffeId.parse("spiffe://other.test/ns/shop/sa/frontend"),
                "/a/b",
                new Metadata()))
        .isTrue();
    assertThatThrownBy(() -> ours(json)).isInstanceOf(InvalidPolicyException.class);
  }

  @Test
  void readsASpiffeIdInUpperCaseAsTheStandardSaysAndGrpcDoesNot() throws Exception {
    String json =
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"SPIFFE://Shop.Test/ns/shop/sa/frontend\"]}}]}";

    assertThat(allows(theirs(json), Calls.FRONTEND, "/a/b", new Metadata())).isFalse();
    assertThat(ours(json).decide(Calls.of(Calls.FRONTEND, "/a/b")).allowed()).isTrue();
  }

  @Test
  void grpcMatchesAnyOfSeveralNamesOfACertificateThatOurVerifierRefuses() {
    String json =
        "{\"name\": \"p\", \"allow_rules\": [{\"name\": \"r\", \"source\": {\"principals\":"
            + " [\"https://shop.test/\"]}}]}";
    IssuedSvid twoNames =
        TestTrustDomain.create("shop.test")
            .issue(Calls.FRONTEND, IssueOptions.DEFAULT.with(Variation.HTTPS_URI_TOO));

    assertThat(theirs(json).allows(twoNames.leaf(), "/a/b", new Metadata())).isTrue();
    assertThatThrownBy(() -> ours(json)).isInstanceOf(InvalidPolicyException.class);
  }

  private static GrpcEngine theirs(String json) {
    return new GrpcEngine(EventCodec.readTree(json.getBytes(UTF_8)));
  }

  private static AuthorizationPolicy ours(String json) throws InvalidPolicyException {
    return new PolicyReader(Roles.NONE).read(PolicyDocument.readOne(json, "policy"));
  }

  private static ObjectNode policy(Random random) {
    ObjectNode policy = EventCodec.object().put("name", "p");
    if (random.nextInt(3) == 0) {
      rules(policy.putArray("deny_rules"), 1 + random.nextInt(2), random, 2);
    }
    rules(policy.putArray("allow_rules"), 1 + random.nextInt(3), random, 3);
    return policy;
  }

  /**
   * @param oneOf one rule of that many leaves each of its parts out
   */
  private static void rules(ArrayNode rules, int count, Random random, int oneOf) {
    for (int i = 0; i < count; i++) {
      ObjectNode rule = rules.addObject().put("name", "r" + i);
      if (random.nextInt(oneOf) > 0) {
        texts(rule.putObject("source").putArray("principals"), PRINCIPALS, random);
      }
      ObjectNode request = EventCodec.object();
      if (random.nextInt(oneOf) > 0) {
        texts(request.putArray("paths"), PATHS, random);
      }
      if (random.nextInt(oneOf) == 0) {
        ArrayNode headers = request.putArray("headers");
        for (int j = 0; j <= random.nextInt(2); j++) {
          texts(
              headers.addObject().put("key", pick(random, KEYS)).putArray("values"),
              HEADER_PATTERNS,
              random);
        }
      }
      if (!request.isEmpty()) {
        rule.set("request", request);
      }
    }
  }

  private static void texts(ArrayNode list, List<String> from, Random random) {
    for (int i = 0; i <= random.nextInt(3); i++) {
      list.add(pick(random, from));
    }
  }

  private static Metadata headers(Random random) {
    Metadata headers = new Metadata();
    for (int i = random.nextInt(4); i > 0; i--) {
      headers.put(
          Metadata.Key.of(pick(random, KEYS), Metadata.ASCII_STRING_MARSHALLER),
          pick(random, HEADER_VALUES));
    }
    return headers;
  }

  private static <T> T pick(Random random, List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static boolean allows(GrpcEngine engine, SpiffeId caller, String path, Metadata headers) {
    return engine.allows(Calls.leaf(caller), path, headers);
  }
}
