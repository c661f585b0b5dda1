package io.meshward.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshward.daemon.Resources;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class StarterTest {
  private final Resources resources = new Resources(Duration.ofSeconds(30));
  private final Starter starter = new Starter(resources);
  private final List<String> closed = new CopyOnWriteArrayList<>();

  @Test
  void whatWasStartedIsClosedInReverse() throws Exception {
    starter.start("first", () -> part("first"));
    starter.add("second", part("second"));

    resources.close();

    assertThat(closed).containsExactly("second", "first");
  }

  @Test
  void interruptWaitsForThePartAndThePartIsClosedInTheEnd() throws Exception {
    CountDownLatch inTheMiddle = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    FutureTask<AutoCloseable> starting =
        new FutureTask<>(
            () ->
                starter.start(
                    "part",
                    () -> {
                      inTheMiddle.countDown();
                      goOn.await();
                      return part("part");
                    }));
    Thread worker = Thread.ofPlatform().start(starting);
    inTheMiddle.await();

    worker.interrupt();
    worker.interrupt();
    goOn.countDown();

    assertThatThrownBy(() -> starting.get(30, TimeUnit.SECONDS))
        .hasCauseInstanceOf(InterruptedException.class);
    resources.close();
    assertThat(closed).containsExactly("part");
  }

  @Test
  void failureOfAPartIsThrownAsItIs() {
    assertThatThrownBy(
            () ->
                starter.start(
                    "part",
                    () -> {
                      throw new CommandException(ExitCode.CONFLICT, "it is there already");
                    }))
        .isInstanceOf(CommandException.class)
        .hasMessage("it is there already");
    assertThatThrownBy(
            () ->
                starter.start(
                    "part",
                    () -> {
                      throw new IOException("no space");
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("no space");
  }

  private AutoCloseable part(String name) {
    return () -> closed.add(name);
  }
}
