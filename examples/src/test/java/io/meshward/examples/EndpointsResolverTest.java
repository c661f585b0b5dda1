package io.meshward.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.NameResolver;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EndpointsResolverTest {
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  @TempDir Path folder;
  private EndpointsResolver resolver;

  @BeforeEach
  void create() {
    resolver = new EndpointsResolver(folder.resolve("orders"), timer);
  }

  @AfterEach
  void stop() {
    resolver.shutdown();
    timer.shutdownNow();
  }

  @Test
  void followsTheFile() throws Exception {
    list("127.0.0.1:1", "127.0.0.2:2");
    resolver.start(listener());
    assertThat(next()).isEqualTo("/127.0.0.1:1,/127.0.0.2:2");

    list("127.0.0.3:3");
    assertThat(next()).isEqualTo("/127.0.0.3:3");
  }

  @Test
  void saysThatThereIsNoneAndFindsItLater() throws Exception {
    resolver.start(listener());
    assertThat(next()).startsWith("UNAVAILABLE").contains("orders");

    list("127.0.0.1:1");
    assertThat(next()).isEqualTo("/127.0.0.1:1");

    list();
    assertThat(next()).startsWith("UNAVAILABLE");
  }

  @Test
  void aTargetWithoutASchemeStaysAHostsName() {
    assertThat(NameResolverRegistry.getDefaultRegistry().getDefaultScheme()).isEqualTo("dns");
  }

  /** At once, as whoever runs the shop does: half written, the file would name nobody. */
  private void list(String... endpoints) throws IOException {
    Path written = Files.write(folder.resolve("orders.new"), List.of(endpoints));
    Files.move(written, folder.resolve("orders"), StandardCopyOption.ATOMIC_MOVE);
  }

  private String next() throws InterruptedException {
    String text = heard.poll(1, TimeUnit.MINUTES);
    return text == null ? "nothing" : text;
  }

  private NameResolver.Listener2 listener() {
    return new NameResolver.Listener2() {
      @Override
      public void onResult(NameResolver.ResolutionResult result) {
        heard.add(
            String.join(
                ",",
                result.getAddressesOrError().getValue().stream()
                    .map(group -> group.getAddresses().getFirst().toString())
                    .toList()));
      }

      @Override
      public void onError(Status error) {
        heard.add(error.getCode() + " " + error.getDescription());
      }
    };
  }
}
