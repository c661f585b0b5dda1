package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class IdentityListenersTest {
  private static final RuntimeState OLD = new RuntimeState.Starting("old");
  private static final RuntimeState NEW = new RuntimeState.Starting("new");

  private final AtomicReference<RuntimeState> state = new AtomicReference<>(OLD);

  @Test
  void theNewestStateIsHeardLastAndOnOneThreadAtATime() throws InterruptedException {
    CountDownLatch hearing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    List<RuntimeState> heard = new ArrayList<>();
    IdentityListeners listeners =
        new IdentityListeners(
            List.of(
                told -> {
                  heard.add(told);
                  hearing.countDown();
                  await(goOn);
                }));
    Thread timer = Thread.ofVirtual().start(() -> listeners.tell(state::get));
    await(hearing);

    state.set(NEW);
    listeners.tell(state::get);
    assertThat(heard).as("who comes meanwhile neither waits nor tells").containsExactly(OLD);
    goOn.countDown();
    timer.join();

    assertThat(heard).containsExactly(OLD, NEW);
    listeners.tell(state::get);
    assertThat(heard).containsExactly(OLD, NEW, NEW);
  }

  @Test
  void oneThatFailsKeepsNobodyFromHearingAndTellingAgain() {
    List<RuntimeState> heard = new ArrayList<>();
    IdentityListeners listeners =
        new IdentityListeners(
            List.of(
                told -> {
                  throw new IllegalStateException("a listener");
                },
                told -> {
                  throw new AssertionError("another");
                },
                heard::add));

    listeners.tell(state::get);
    listeners.tell(state::get);

    assertThat(heard).containsExactly(OLD, OLD);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
