package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshward.schemas.SpiffeId;
import io.meshward.testkit.TestTrustDomain;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ServerStaplesTest {
  private final TestTrustDomain domain = TestTrustDomain.create("shop.test");
  private final SpiffeId orders = domain.name().id("/ns/shop/sa/orders");
  private final WorkloadIdentity identity =
      new WorkloadIdentity(
          X509Svids.of(domain.issue(orders)), Map.of(domain.name(), X509Svids.bundle(domain)), 1);

  @Test
  void nobodyQueuesBehindAResponderThatDoesNotAnswer() throws Exception {
    CountDownLatch answers = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    ServerStaples staples =
        ServerStaples.of(
            RevocationOptions.DEFAULT.staple(
                (leaf, issuer) -> {
                  asked.incrementAndGet();
                  try {
                    answers.await();
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  }
                  throw new IOException("no answer");
                },
                orders),
            X509Svids.admission(domain, orders),
            (target, responder) -> new byte[0]);
    Thread slow = Thread.ofPlatform().daemon().start(() -> staples.renew(identity, Instant.now()));
    Eventually.await("the question", () -> asked.get() == 1);

    Thread next = Thread.ofPlatform().daemon().start(() -> staples.renew(identity, Instant.now()));
    next.join(30_000);
    assertThat(next.isAlive()).as("whether the next look waits").isFalse();
    assertThat(asked).hasValue(1);

    answers.countDown();
    slow.join();
    staples.renew(identity, Instant.now());
    assertThat(asked).hasValue(2);
  }
}
