package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.meshward.embedded.FaultInjection.Fault;
import io.meshward.embedded.ResourceApi.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API double's HTTP: routes, injected faults, the write log, answers and event streams. Runs
 * blocking on virtual threads.
 */
final class ApiHandler extends Handler.Abstract {

  private static final Logger log = LoggerFactory.getLogger(ApiHandler.class);

  /** The real server's limit of a request body. */
  private static final int MAX_BODY = 3 * 1024 * 1024;

  private static final Duration WATCH_RETRY = Duration.ofSeconds(10);

  /**
   * Bounds of the event streams.
   *
   * @param watches how many may be open
   * @param watchQueue how many changes may wait for a slow client
   */
  record Limits(int watches, int watchQueue, Duration bookmarkInterval) {}

  private static final Answer NO_SUCH_PAGE = new Answer.Text(404, "404 page not found\n");

  private final ResourceApi api;
  private final ObjectStore store;
  private final ObjectMapper mapper;
  private final FaultInjection faults;
  private final WriteLog writes;
  private final Clock clock;
  private final Limits limits;
  private final Set<WatchStream> watches = ConcurrentHashMap.newKeySet();
  private volatile boolean closing;

  ApiHandler(
      ResourceApi api,
      ObjectStore store,
      ObjectMapper mapper,
      FaultInjection faults,
      WriteLog writes,
      Clock clock,
      Limits limits) {
    this.api = api;
    this.store = store;
    this.mapper = mapper;
    this.faults = faults;
    this.writes = writes;
    this.clock = clock;
    this.limits = limits;
  }

  /** Ends all event streams. */
  void endWatches() {
    closing = true;
    watches.forEach(WatchStream::end);
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    String query = request.getHttpURI().getQuery();
    ApiCall call;
    try {
      call =
          ApiCall.of(
              request.getMethod(), request.getHttpURI().getPath(), query == null ? "" : query);
    } catch (ApiFailure e) {
      answer(response, callback, e);
      return true;
    }
    for (Fault.Early fault : faults.takeEarly(call)) {
      switch (fault) {
        case Fault.Latency latency -> Thread.sleep(latency.delay());
        case Fault.Hold hold -> hold.await();
        case Fault.Refusal refusal -> {
          ApiFailure failure = failure(refusal, call);
          record(call, "", failure.code(), failure.reason());
          answer(response, callback, failure);
          return true;
        }
      }
    }
    respond(request, response, callback, call);
    return true;
  }

  private void respond(Request request, Response response, Callback callback, ApiCall call)
      throws IOException {
    String manager =
        call.parameter("fieldManager").orElseGet(() -> userAgent(request).split("/", 2)[0]);
    Answer answer;
    try {
      answer = route(call, request);
    } catch (ApiFailure e) {
      record(call, manager, e.code(), e.reason());
      answer(response, callback, e);
      return;
    } catch (RuntimeException e) {
      log.atError()
          .setCause(e)
          .addKeyValue("method", call.method())
          .addKeyValue("path", call.path())
          .log("the request failed");
      ApiFailure failure = ApiFailure.internalError(String.valueOf(e.getMessage()));
      record(call, manager, failure.code(), failure.reason());
      answer(response, callback, failure);
      return;
    }
    switch (answer) {
      case Answer.Document document -> {
        record(call, manager, document.code(), "");
        if (faults.takeCut(call)) {
          request.getConnectionMetaData().getConnection().getEndPoint().close();
          callback.failed(new IOException("cut after commit, as injected"));
          return;
        }
        document
            .warnings()
            .forEach(w -> response.getHeaders().add("Warning", "299 - " + quoted(w)));
        answer(response, callback, document.code(), document.body());
      }
      case Answer.Text text -> {
        response.setStatus(text.code());
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        Content.Sink.write(response, true, text.body(), callback);
      }
      case Answer.Events events -> stream(response, callback, events);
    }
  }

  private Answer route(ApiCall call, Request request) throws IOException {
    if ("websocket".equalsIgnoreCase(request.getHeaders().get(HttpHeader.UPGRADE))) {
      // A server may ignore a wish to upgrade (RFC 9110 7.8) and may end a watch at any time. A
      // client
      // that waits for the end of this answer then watches by plain HTTP.
      return new Answer.Text(200, "");
    }
    List<String> parts = List.of(call.path().substring(1).split("/"));
    String accept = request.getHeaders().get(HttpHeader.ACCEPT);
    if (accept != null
        && !accept.contains("json")
        && !accept.contains("*/*")
        && !accept.contains("application/*")) {
      throw ApiFailure.notSimulated("answers of type " + accept);
    }
    return switch (parts.getFirst()) {
      case "api" -> core(call, request, parts);
      case "apis" -> group(call, request, parts);
      case "version" -> {
        if (parts.size() > 1) {
          throw ApiFailure.noSuchResource();
        }
        yield discovery(call, Discovery.version());
      }
      case "healthz", "livez", "readyz" ->
          parts.size() == 1 ? new Answer.Text(200, "ok") : NO_SUCH_PAGE;
      case "openapi", "metrics" -> throw ApiFailure.notSimulated("the path /" + parts.getFirst());
      default -> NO_SUCH_PAGE;
    };
  }

  private Answer core(ApiCall call, Request request, List<String> parts) throws IOException {
    if (parts.size() == 1) {
      return discovery(call, Discovery.coreVersions());
    }
    if (!parts.get(1).equals("v1")) {
      throw ApiFailure.noSuchResource();
    }
    return parts.size() == 2
        ? discovery(call, Discovery.resources(""))
        : resource(call, request, "", "v1", parts.subList(2, parts.size()));
  }

  private Answer group(ApiCall call, Request request, List<String> parts) throws IOException {
    if (parts.size() == 1) {
      return discovery(call, Discovery.groups());
    }
    String group = parts.get(1);
    boolean served = Discovery.serves(group);
    if (!served && !ResourceCatalogue.groupExistsElsewhere(group)) {
      return NO_SUCH_PAGE;
    }
    if (parts.size() > 3) {
      return resource(call, request, group, parts.get(2), parts.subList(3, parts.size()));
    }
    if (parts.size() == 3 && !(served && parts.get(2).equals("v1"))) {
      if (!ResourceCatalogue.versionExistsElsewhere(group, parts.get(2))) {
        throw ApiFailure.noSuchResource();
      }
    }
    if (!served) {
      throw ApiFailure.notSimulated("the API group " + group);
    }
    return discovery(call, parts.size() == 2 ? Discovery.group(group) : Discovery.resources(group));
  }

  private Answer resource(
      ApiCall call, Request request, String group, String version, List<String> rest)
      throws IOException {
    if (AccessReviews.at(group, version, rest)) {
      return AccessReviews.answer(call, body(request));
    }
    ResourcePath path = ResourcePath.parse(group, version, rest);
    return api.answer(call, path, body(request), userAgent(request));
  }

  private static Answer discovery(ApiCall call, JsonNode document) {
    if (!call.method().equals("GET")) {
      throw ApiFailure.methodNotAllowed();
    }
    return new Answer.Document(200, document, List.of());
  }

  private RequestBody body(Request request) throws IOException {
    byte[] body;
    try (InputStream in = Content.Source.asInputStream(request)) {
      body = in.readNBytes(MAX_BODY + 1);
    }
    if (body.length > MAX_BODY) {
      throw ApiFailure.tooLarge(MAX_BODY);
    }
    String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
    String bare = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    return new RequestBody(new String(body, StandardCharsets.UTF_8), bare, mapper);
  }

  private static String userAgent(Request request) {
    String agent = request.getHeaders().get(HttpHeader.USER_AGENT);
    return agent == null ? "unknown" : agent;
  }

  private void stream(Response response, Callback callback, Answer.Events events)
      throws IOException {
    if (watches.size() >= limits.watches()) {
      answer(
          response,
          callback,
          ApiFailure.tooManyRequests(
              "the limit of " + limits.watches() + " watches is reached", WATCH_RETRY));
      return;
    }
    WatchStream watch =
        new WatchStream(
            store,
            events.selection(),
            events.bookmarks(),
            limits.bookmarkInterval(),
            limits.watchQueue());
    watches.add(watch);
    if (closing) {
      watch.end();
    }
    response.setStatus(200);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    try (OutputStream out = Content.Sink.asOutputStream(response)) {
      out.flush();
      watch.run(events.start(), events.timeout(), out);
    } catch (IOException e) {
      callback.failed(e);
      return;
    } finally {
      watches.remove(watch);
    }
    callback.succeeded();
  }

  private void record(ApiCall call, String manager, int code, String reason) {
    if (call.isWrite()) {
      writes.add(clock.instant(), call, manager, code, reason);
    }
  }

  private static ApiFailure failure(Fault.Refusal refusal, ApiCall call) {
    return switch (refusal.code()) {
      case 409 -> {
        String[] parts = call.path().split("/", -1);
        yield ApiFailure.conflict(
            "", parts.length > 1 ? parts[parts.length - 2] : "", parts[parts.length - 1], MODIFIED);
      }
      case 429 ->
          ApiFailure.tooManyRequests(
              "the server has received too many requests and has asked us to try again later",
              refusal.retryAfter());
      default -> ApiFailure.internalError("injected");
    };
  }

  private static final String MODIFIED =
      "the object has been modified; please apply your changes to the latest version and try again";

  private void answer(Response response, Callback callback, ApiFailure failure) throws IOException {
    Duration retryAfter = failure.retryAfter();
    if (retryAfter != null) {
      response
          .getHeaders()
          .put(new HttpField(HttpHeader.RETRY_AFTER, Long.toString(retryAfter.toSeconds())));
    }
    answer(response, callback, failure.code(), failure.status());
  }

  private void answer(Response response, Callback callback, int code, JsonNode body)
      throws IOException {
    response.setStatus(code);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    response.write(true, ByteBuffer.wrap(mapper.writeValueAsBytes(body)), callback);
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
