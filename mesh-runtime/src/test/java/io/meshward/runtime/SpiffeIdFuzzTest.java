package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever text comes as a SPIFFE ID: it is refused, or is one, and is written as it was read. */
class SpiffeIdFuzzTest {

  @FuzzTest
  void anyTextIsRefusedOrAnId(byte[] bytes) {
    read(new String(bytes, UTF_8));
  }

  @FuzzTest
  void anyTextIsRefusedOrTheNameOfATrustDomain(byte[] bytes) {
    readTrustDomain(new String(bytes, UTF_8));
  }

  @Test
  void changedIdsAreRefusedOrOthers() {
    byte[] good = "SPIFFE://Shop.test/ns/shop/sa/orders".getBytes(UTF_8);
    for (long seed = 0; seed < 20_000; seed++) {
      Random random = Seeded.random(seed);
      byte[] changed = good;
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        changed = Seeded.changed(changed, random);
      }
      String text = new String(changed, UTF_8);
      try {
        read(text);
        readTrustDomain(text);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static void read(String text) {
    try {
      SpiffeId id = SpiffeId.parse(text);
      assertThat(id.toString())
          .isEqualToIgnoringCase(text)
          .matches("spiffe://[a-z0-9._-]{1,255}(/[a-zA-Z0-9._-]+)*")
          .hasSizeLessThanOrEqualTo(2048);
      assertThat(id.segments()).doesNotContain(".", "..", "");
      assertThat(text).endsWith(id.path());
      assertThat(SpiffeId.parse(id.toString())).isEqualTo(id);
    } catch (InvalidSpiffeIdException e) {
      assertThat(e).message().isNotEmpty();
    }
  }

  private static void readTrustDomain(String text) {
    try {
      TrustDomain domain = TrustDomain.parse(text);
      assertThat(domain.name()).matches("[a-z0-9._-]{1,255}");
      assertThat(TrustDomain.parse(domain.name())).isEqualTo(domain);
    } catch (InvalidSpiffeIdException e) {
      assertThat(e).message().isNotEmpty();
    }
  }
}
