package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.meshward.schemas.QuarantineKey;
import io.meshward.schemas.Subject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DialledChannelsTest {
  private final Shop shop = new Shop();

  @AfterEach
  void close() {
    shop.close();
  }

  @Test
  void aChannelComesBackByItselfSoonAfterARelease() {
    Server server = shop.serve(shop.ordersRuntime());
    ManagedChannel channel = shop.dial(shop.frontendRuntime(), server);
    assertThat(Echo.call(channel, "before")).contains("frontend");
    QuarantineKey hold = shop.serverHolds.place(Subject.of(shop.frontend), "containment-1");
    Eventually.await("refusal", () -> !answers(channel));

    shop.serverHolds.release(hold);

    Eventually.await("a call after the release", () -> answers(channel));
  }

  private static boolean answers(ManagedChannel channel) {
    try {
      return Echo.call(channel, "hello").contains("frontend");
    } catch (StatusRuntimeException e) {
      return false;
    }
  }
}
