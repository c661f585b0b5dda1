package io.meshward.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.meshward.runtime.JwtSvid;
import io.meshward.runtime.JwtSvidRejectedException;
import io.meshward.runtime.JwtSvids;
import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeException;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control port of the conformance harness, HTTP and JSON: 200 with what the library answered,
 * 422 where it refused, 501 for what there is no function for, 500 where the harness itself could
 * not. Thread-safe.
 */
final class SpiffeHarnessControl implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpiffeHarnessControl.class);

  /** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
  private static final Pattern ADDRESS =
      Pattern.compile("(?<host>[^:\\[\\]\\s]+|\\[[0-9A-Fa-f:.]+]):(?<port>[0-9]{1,5})");

  /** A function: the request's JSON to the members of the answer. */
  private interface Function {
    Map<String, Object> call(JsonNode request) throws IOException;
  }

  /** A request that says nothing the library could be asked about; the message tells what it is. */
  private static final class UnusableRequestException extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableRequestException(String message) {
      super(message);
    }
  }

  private record Answer(int status, Map<String, Object> members) {}

  private final MeshRuntime mesh;
  private final JwtSvids jwtSvids;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, Function> functions;

  private SpiffeHarnessControl(MeshRuntime mesh, HttpServer server) {
    this.mesh = mesh;
    this.jwtSvids = mesh.jwtSvids();
    this.server = server;
    this.functions =
        Map.of(
            "POST /v1/jwt/validate", this::validate,
            "POST /v1/jwt/fetch", this::fetch,
            "POST /v1/x509/dial", this::dial,
            "GET /v1/info", this::info);
  }

  static SpiffeHarnessControl start(MeshRuntime mesh, InetSocketAddress address)
      throws IOException {
    SpiffeHarnessControl control = new SpiffeHarnessControl(mesh, HttpServer.create(address, 0));
    control.server.setExecutor(control.threads);
    control.server.createContext("/", control::handle);
    control.server.start();
    return control;
  }

  int port() {
    return server.getAddress().getPort();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer = answer(exchange);
      byte[] body = EventCodec.encodeValue(answer.members());
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.status(), body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private Answer answer(HttpExchange exchange) {
    Function function =
        functions.get(exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
    if (function == null) {
      return new Answer(501, told("unsupported", "there is no such function"));
    }
    try {
      Map<String, Object> members = new LinkedHashMap<>();
      members.put("status", "ok");
      members.putAll(function.call(request(exchange)));
      return new Answer(200, members);
    } catch (JwtSvidRejectedException | MeshRuntimeException | IllegalArgumentException e) {
      return new Answer(422, told("rejected", String.valueOf(e.getMessage())));
    } catch (SSLException e) {
      return new Answer(422, told("rejected", e.toString()));
    } catch (UnusableRequestException e) {
      return new Answer(500, told("error", String.valueOf(e.getMessage())));
    } catch (IOException | RuntimeException e) {
      log.atWarn().setCause(e).log("the harness could not");
      return new Answer(500, told("error", e.toString()));
    }
  }

  private static Map<String, Object> told(String status, String message) {
    return Map.of("status", status, "message", message);
  }

  private static JsonNode request(HttpExchange exchange) throws IOException {
    if (exchange.getRequestMethod().equals("GET")) {
      return EventCodec.object();
    }
    try (InputStream body = exchange.getRequestBody()) {
      return EventCodec.readTree(body.readNBytes(EventCodec.MAX_DOCUMENT_BYTES + 1));
    }
  }

  private Map<String, Object> validate(JsonNode request) {
    JwtSvid svid =
        jwtSvids.validate(request.path("token").asText(), request.path("audience").asText());
    return Map.of("spiffe_id", svid.id().toString(), "claims", svid.claims());
  }

  private Map<String, Object> fetch(JsonNode request) {
    List<String> audience = new ArrayList<>();
    request.path("audience").forEach(name -> audience.add(name.asText()));
    String id = request.path("spiffe_id").asText();
    List<JwtSvid> svids =
        id.isEmpty()
            ? jwtSvids.fetch(audience)
            : List.of(jwtSvids.fetch(SpiffeId.parse(id), audience));
    return Map.of("svids", svids.stream().map(SpiffeHarnessControl::fetched).toList());
  }

  private static Map<String, Object> fetched(JwtSvid svid) {
    String hint = svid.hint();
    return Map.of(
        "spiffe_id", svid.id().toString(),
        "token", svid.token(),
        "hint", hint == null ? "" : hint);
  }

  private Map<String, Object> dial(JsonNode request) throws IOException {
    InetSocketAddress address = address(request.path("address"));
    try (Socket open = new Socket()) {
      open.connect(address, SpiffeHarness.TIMEOUT_MS);
      try (SSLSocket tls = mesh.tls().clientSocket(open, anyone -> true)) {
        tls.setSoTimeout(SpiffeHarness.TIMEOUT_MS);
        tls.startHandshake();
        SpiffeId peer = mesh.tls().peer(tls.getSession(), null);
        return Map.of("spiffe_id", peer.toString());
      } catch (SocketException | EOFException e) {
        // Whether a refusal comes as an alert or as the end of the connection is a matter of time.
        throw new SSLException("the peer broke off the handshake: " + e.getMessage(), e);
      }
    }
  }

  private static InetSocketAddress address(JsonNode value) throws UnusableRequestException {
    Matcher parts = ADDRESS.matcher(value.isTextual() ? value.textValue() : "");
    int port = parts.matches() ? Integer.parseInt(parts.group("port")) : 0;
    if (port < 1 || port > 65_535) {
      throw new UnusableRequestException(
          "\"address\" is "
              + (value.isMissingNode() ? "absent" : value)
              + ": expected host:port with a port from 1 to 65535, such as \"127.0.0.1:8443\"");
    }
    return new InetSocketAddress(parts.group("host"), port);
  }

  private Map<String, Object> info(JsonNode request) {
    return Map.of(
        "library", "meshward mesh-runtime", "identity", mesh.status().identity().toString());
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
