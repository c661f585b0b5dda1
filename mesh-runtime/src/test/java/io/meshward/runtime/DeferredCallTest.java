package io.meshward.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ServerCall;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DeferredCallTest {
  private final Queue<String> seen = new ConcurrentLinkedQueue<>();

  private final ServerCall.Listener<String> listener =
      new ServerCall.Listener<>() {
        @Override
        public void onMessage(String message) {
          seen.add(message);
        }

        @Override
        public void onHalfClose() {
          seen.add("half close");
        }

        @Override
        public void onCancel() {
          seen.add("cancel");
        }

        @Override
        public void onReady() {
          seen.add("ready");
        }
      };

  @Test
  void whatHappensMeanwhileWaitsAndComesInOrder() {
    DeferredCall<String> call = new DeferredCall<>();
    call.onReady();
    call.onHalfClose();
    call.onCancel();
    assertThat(seen).isEmpty();

    call.open(listener);
    call.onMessage("later");

    assertThat(seen).containsExactly("ready", "half close", "cancel", "later");
  }

  @Test
  void callbacksRunOneAtATimeAndNobodyWaitsForAnothers() throws InterruptedException {
    DeferredCall<String> call = new DeferredCall<>();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    ServerCall.Listener<String> slow =
        new ServerCall.Listener<>() {
          @Override
          public void onReady() {
            entered.countDown();
            try {
              leave.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            seen.add("ready");
          }

          @Override
          public void onCancel() {
            seen.add("cancel");
          }
        };
    call.onReady();
    Thread opener = Thread.ofVirtual().start(() -> call.open(slow));
    entered.await();

    call.onCancel();
    assertThat(seen).isEmpty();
    leave.countDown();
    opener.join();

    assertThat(seen).containsExactly("ready", "cancel");
  }

  @Test
  void nothingIsLostWhileManyThreadsCallBack() throws InterruptedException {
    DeferredCall<String> call = new DeferredCall<>();
    List<Thread> threads =
        IntStream.range(0, 8)
            .mapToObj(
                thread ->
                    Thread.ofVirtual()
                        .start(
                            () -> {
                              for (int i = 0; i < 500; i++) {
                                call.onMessage(thread + "/" + i);
                              }
                            }))
            .toList();
    call.open(listener);
    for (Thread thread : threads) {
      thread.join();
    }

    assertThat(seen).hasSize(4000).doesNotHaveDuplicates();
  }
}
