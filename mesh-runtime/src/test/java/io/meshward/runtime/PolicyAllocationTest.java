package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.grpc.Metadata;
import io.meshward.schemas.SpiffeId;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class PolicyAllocationTest {
  private static final int CALLS = 20_000;

  @Test
  void decidingAboutACallAllocatesNothingUnlessARuleLooksAtHeaders() throws InvalidPolicyException {
    AuthorizationPolicy policy =
        new PolicyReader(Roles.read("{\"roles\": {\"x\": [\"spiffe://other.test/a\"]}}"))
            .read(
                PolicyDocument.readOne(
                    """
                    {"name": "p",
                     "deny_rules": [
                       {"name": "elsewhere", "when": [
                         {"key": "peer.trust_domain", "not_values": ["shop.test"]}]},
                       {"name": "role", "when": [{"key": "peer.role", "values": ["x"]}]},
                       {"name": "ip", "when": [{"key": "peer.ip", "values": ["192.168.0.0/16"]}]}],
                     "allow_rules": [
                       {"name": "other", "source": {"principals": ["spiffe://shop.test/b/*"]}},
                       {"name": "path", "request": {"paths": ["/a/*", "*/b", "/c/d"]}},
                       {"name": "frontend",
                        "source": {"principals": ["spiffe://shop.test/ns/shop/sa/frontend"]},
                        "request": {"paths": ["/shop.Orders/List"]},
                        "when": [{"key": "risk.score", "lt": 0.5},
                                 {"key": "cert.ttl_left_ms", "gt": 0},
                                 {"key": "tls.version", "values": ["TLSv1.3"]}]}]}
                    """,
                    "policy"));
    CallFacts call =
        Calls.of(
            SpiffeId.parse("spiffe://shop.test/ns/shop/sa/frontend"),
            "/shop.Orders/List",
            new Metadata(),
            id -> 0.1,
            TokenClaims.ABSENT);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    assertThat(decide(policy, call, CALLS)).isEqualTo(CALLS);
    long before = threads.getCurrentThreadAllocatedBytes();
    int allowed = decide(policy, call, CALLS);
    long bytes = threads.getCurrentThreadAllocatedBytes() - before;

    assertThat(allowed).isEqualTo(CALLS);
    assertThat(bytes / (double) CALLS).as("bytes for each call").isLessThan(1);
  }

  private static int decide(AuthorizationPolicy policy, CallFacts call, int times) {
    int allowed = 0;
    for (int i = 0; i < times; i++) {
      allowed += policy.decide(call).allowed() ? 1 : 0;
    }
    return allowed;
  }
}
