package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class BundleServerTest {
  private static final byte[] DOCUMENT = "{}".getBytes(UTF_8);

  private final FakeBundleEndpoint.WebCertificate web =
      FakeBundleEndpoint.WebCertificate.of("127.0.0.1");

  @Test
  void servesAsManyAtATimeAsItHasPlacesAndLetsTheOthersWait() throws Exception {
    AtomicInteger busy = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch second = new CountDownLatch(2);
    CountDownLatch third = new CountDownLatch(3);
    try (BundleServer server =
            start(
                () -> {
                  most.accumulateAndGet(busy.incrementAndGet(), Math::max);
                  second.countDown();
                  third.countDown();
                  await(second, 30_000);
                  // Long enough for one more to come in, if it may.
                  await(third, 100);
                  busy.decrementAndGet();
                  return DOCUMENT;
                },
                2,
                Duration.ofMinutes(1));
        HttpClient client = HttpClient.newBuilder().sslContext(web.client()).build()) {
      List<CompletableFuture<HttpResponse<byte[]>>> answers = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        answers.add(client.sendAsync(request(server), HttpResponse.BodyHandlers.ofByteArray()));
      }

      for (CompletableFuture<HttpResponse<byte[]>> answer : answers) {
        assertThat(answer.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      }
      assertThat(most).hasValue(2);
    }
  }

  @Test
  void cutsWhoKeepsAPlaceTooLong() throws Exception {
    try (BundleServer server = start(() -> DOCUMENT, 2, Duration.ofMillis(300));
        Socket one = beginning(server);
        Socket other = beginning(server);
        HttpClient client = HttpClient.newBuilder().sslContext(web.client()).build()) {
      assertThat(ends(one)).isTrue();
      assertThat(ends(other)).isTrue();
      Eventually.await("a place for others", () -> isServed(client, server));
    }
  }

  @Test
  void cutsWhoComesWhileTooManyWait() throws Exception {
    List<Socket> all = new ArrayList<>();
    try (BundleServer server = start(() -> DOCUMENT, 1, Duration.ofMinutes(1))) {
      for (int i = 0; i < 260; i++) {
        all.add(beginning(server));
      }
      Eventually.await("an end", () -> all.stream().anyMatch(BundleServerTest::hasEnded));
    } finally {
      for (Socket each : all) {
        each.close();
      }
    }
  }

  /** A client that takes its time would keep the carrier of a virtual one, on Java 21. */
  @Test
  void servesOnPlatformThreads() throws Exception {
    CompletableFuture<Boolean> virtual = new CompletableFuture<>();
    try (BundleServer server =
            start(
                () -> {
                  virtual.complete(Thread.currentThread().isVirtual());
                  return DOCUMENT;
                },
                1,
                Duration.ofMinutes(1));
        HttpClient client = HttpClient.newBuilder().sslContext(web.client()).build()) {
      assertThat(isServed(client, server)).isTrue();

      assertThat(virtual).isCompletedWithValue(false);
    }
  }

  private BundleServer start(Supplier<byte[]> document, int places, Duration deadline) {
    return BundleServer.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        web.server(),
        document,
        places,
        deadline);
  }

  /** A client that sends the first byte of a handshake and no more. */
  private static Socket beginning(BundleServer server) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort());
    socket.setSoTimeout(20_000);
    socket.getOutputStream().write(0x16);
    return socket;
  }

  private static boolean ends(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() == -1;
    } catch (SocketException e) {
      return true;
    }
  }

  private static boolean hasEnded(Socket socket) {
    try {
      socket.setSoTimeout(1);
      return ends(socket);
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isServed(HttpClient client, BundleServer server) {
    try {
      return client.send(request(server), HttpResponse.BodyHandlers.ofByteArray()).statusCode()
          == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new UncheckedIOException(new IOException(e));
    }
  }

  private static HttpRequest request(BundleServer server) {
    return HttpRequest.newBuilder(
            URI.create("https://127.0.0.1:" + server.address().getPort() + "/"))
        .timeout(Duration.ofSeconds(30))
        .build();
  }

  private static void await(CountDownLatch latch, long milliseconds) {
    try {
      boolean unused = latch.await(milliseconds, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
