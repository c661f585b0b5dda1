package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.meshward.testkit.TestTrustDomain;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OwnIdentityTest {
  private static final Duration AT_ONCE = Duration.ofMillis(1);

  private final TestTrustDomain domain = TestTrustDomain.create("shop.test");
  private final Clock clock = Clock.systemUTC();
  private final OwnIdentity own = new OwnIdentity(clock);

  @Test
  void theFirstSvidIsNotThereBeforeEveryListenerHasHeardOfIt() {
    Path nowhere = Path.of("nowhere");
    X509Svid svid = X509Svids.of(domain.issue(domain.name().id("/ns/shop/sa/orders")));
    List<Throwable> early = new ArrayList<>();
    try (IdentitySource source =
        new FileSource(new FileSource.Paths(nowhere, nowhere, nowhere), clock)) {
      own.addListener(
          (before, update) -> early.add(catchThrowable(() -> own.awaitFirst(AT_ONCE, source))));

      own.accept(
          new IdentityUpdate.Issued(
              new WorkloadIdentity(svid, Map.of(domain.name(), X509Svids.bundle(domain)), 1)));

      assertThat(early).singleElement().isInstanceOf(MeshRuntimeException.class);
      own.awaitFirst(AT_ONCE, source);
    }
  }
}
