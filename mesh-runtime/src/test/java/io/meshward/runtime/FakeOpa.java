package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** Answers as OPA's REST API would, or as it never would. */
final class FakeOpa implements AutoCloseable {

  /** What it was asked. */
  record Asked(String uri, JsonNode body, String traceparent) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final List<Asked> asked = new CopyOnWriteArrayList<>();
  private volatile int status = 200;
  private volatile Function<JsonNode, String> bodies = input -> "{}";
  private volatile boolean silent;

  FakeOpa() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  FakeOpa answers(int newStatus, String newBody) {
    status = newStatus;
    bodies = input -> newBody;
    silent = false;
    return this;
  }

  /** Answers each question by its input. */
  FakeOpa answers(Function<JsonNode, String> byInput) {
    status = 200;
    bodies = byInput;
    silent = false;
    return this;
  }

  /** Takes requests and answers none. */
  FakeOpa falls() {
    silent = true;
    return this;
  }

  List<Asked> asked() {
    return List.copyOf(asked);
  }

  private void handle(HttpExchange exchange) throws IOException {
    String trace = exchange.getRequestHeaders().getFirst("traceparent");
    JsonNode question = EventCodec.readTree(exchange.getRequestBody().readAllBytes());
    asked.add(new Asked(exchange.getRequestURI().toString(), question, trace == null ? "" : trace));
    if (silent) {
      try {
        closed.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      exchange.close();
      return;
    }
    byte[] bytes = bodies.apply(question.path("input")).getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
