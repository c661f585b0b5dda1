package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The few requests that actions make, each exactly one HTTP request: no retries, no reads before
 * writes. At most {@value #MAX_CONCURRENT} run at a time. Blocking; thread-safe.
 */
final class KubernetesApi {
  private static final Logger log = LoggerFactory.getLogger(KubernetesApi.class);

  /** Who writes, as the server records it in {@code managedFields}. */
  static final String FIELD_MANAGER = "meshward-responder";

  private static final int MAX_WRITES = 16;

  /** Reads are mostly verification's, which looks again and again: it may wait, a write may not. */
  private static final int MAX_READS = 4;

  /** The largest answer that is read, in bytes: a list of many pods. */
  private static final int MAX_ANSWER_BYTES = 32 * 1024 * 1024;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxDocumentLength(MAX_ANSWER_BYTES).build())
                  .build())
          .build();

  private final HttpClient http;
  private final String server;
  private final Duration requestTimeout;
  private final Semaphore writing = new Semaphore(MAX_WRITES, true);
  private final Semaphore reading = new Semaphore(MAX_READS, true);

  /**
   * @param http a client that does not retry
   * @param server the server's address
   * @param requestTimeout how long one request may take
   */
  KubernetesApi(HttpClient http, URI server, Duration requestTimeout) {
    this.http = http;
    String address = server.toString();
    this.server = address.endsWith("/") ? address.substring(0, address.length() - 1) : address;
    this.requestTimeout = requestTimeout;
  }

  /** Reads an object, a subresource or a list. */
  ApiResult get(String path) {
    return send("GET", path, "", null, null, false);
  }

  /** Changes some fields of an object (RFC 7396); uid and resourceVersion in it are locks. */
  ApiResult mergePatch(String path, JsonNode patch, boolean dryRun) {
    return send("PATCH", path, writeQuery(dryRun), "application/merge-patch+json", patch, !dryRun);
  }

  /** Creates or changes an object that is ours; a field of another manager is a conflict. */
  ApiResult apply(String path, JsonNode object, boolean dryRun) {
    return send(
        "PATCH",
        path,
        writeQuery(dryRun) + "&force=false",
        "application/apply-patch+yaml",
        object,
        !dryRun);
  }

  /** Creates an object. */
  ApiResult create(String path, JsonNode object) {
    return send("POST", path, writeQuery(false), "application/json", object, true);
  }

  /** Deletes an object, if it still has the uid. */
  ApiResult delete(String path, String uid, boolean dryRun) {
    var options = EventCodec.object();
    options.put("apiVersion", "v1").put("kind", "DeleteOptions");
    options.putObject("preconditions").put("uid", uid);
    if (dryRun) {
      options.putArray("dryRun").add("All");
    }
    return send("DELETE", path, "", "application/json", options, !dryRun);
  }

  /** One segment of a path. */
  static String segment(String name) {
    return URLEncoder.encode(name, UTF_8).replace("+", "%20");
  }

  private static String writeQuery(boolean dryRun) {
    return "?fieldManager=" + FIELD_MANAGER + (dryRun ? "&dryRun=All" : "");
  }

  private ApiResult send(
      String method,
      String path,
      String query,
      @Nullable String contentType,
      @Nullable JsonNode body,
      boolean writes) {
    HttpRequest.Builder request =
        http.newHttpRequestBuilder()
            .uri(URI.create(server + path + query))
            .setHeader("Accept", "application/json")
            .timeout(requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
    if (contentType != null && body != null) {
      request.method(method, contentType, body.toString());
    }
    String what = method + " " + path;
    long start = System.nanoTime();
    ApiResult result = send(what, request, writes);
    log.atDebug()
        .addKeyValue("request", what)
        .addKeyValue("result", result.getClass().getSimpleName())
        .addKeyValue("microseconds", (System.nanoTime() - start) / 1000)
        .log("the API was asked");
    return result;
  }

  private ApiResult send(String what, HttpRequest.Builder request, boolean writes) {
    Semaphore slots = writes ? writing : reading;
    boolean acquired = false;
    try {
      acquired = slots.tryAcquire(requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
      if (!acquired) {
        return new ApiResult.Unavailable(what + ": too many requests are under way", null);
      }
      CompletableFuture<HttpResponse<byte[]>> answer =
          http.sendAsync(request.build(), byte[].class);
      try {
        return sort(
            what, answer.get(requestTimeout.toMillis() + 1000, TimeUnit.MILLISECONDS), writes);
      } catch (TimeoutException e) {
        answer.cancel(true);
        return broken(what + ": no answer within " + requestTimeout, writes);
      }
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      return neverSent(cause)
          ? new ApiResult.Unavailable(what + ": " + cause, null)
          : broken(what + ": " + cause, writes);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return broken(what + ": interrupted", writes);
    } finally {
      if (acquired) {
        slots.release();
      }
    }
  }

  private static boolean neverSent(Throwable cause) {
    for (Throwable each = cause; each != null; each = each.getCause()) {
      if (each instanceof ConnectException) {
        return true;
      }
    }
    return false;
  }

  private static ApiResult broken(String message, boolean writes) {
    return writes ? new ApiResult.Unknown(message) : new ApiResult.Unavailable(message, null);
  }

  private static ApiResult sort(String what, HttpResponse<byte[]> response, boolean writes) {
    int status = response.code();
    byte[] bytes = response.body() == null ? new byte[0] : response.body();
    JsonNode body;
    try {
      body = MAPPER.readTree(bytes);
    } catch (IOException e) {
      body = EventCodec.object();
      if (status < 300) {
        return broken(what + ": the answer is not JSON: " + e.getMessage(), writes);
      }
    }
    String message = what + ": " + body.path("message").asText("status " + status);
    if (status >= 200 && status < 300) {
      return new ApiResult.Ok(body);
    }
    return switch (status) {
      case 404 -> new ApiResult.Absent(message);
      case 409 ->
          message.contains("Precondition failed: UID") || message.contains("UID in precondition")
              ? new ApiResult.Replaced(message)
              : new ApiResult.Conflict(message);
      case 422 ->
          namesUid(body) ? new ApiResult.Replaced(message) : new ApiResult.Refused(status, message);
      case 429 -> new ApiResult.Unavailable(message, retryAfter(response));
      default -> {
        if (status >= 500 && status != 501) {
          yield broken(message, writes);
        }
        yield new ApiResult.Refused(status, message);
      }
    };
  }

  private static boolean namesUid(JsonNode status) {
    for (JsonNode cause : status.at("/details/causes")) {
      if ("metadata.uid".equals(cause.path("field").asText())) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable Duration retryAfter(HttpResponse<byte[]> response) {
    String header = response.header("Retry-After");
    if (header == null || !header.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return null;
    }
    return header.isEmpty() || header.length() > 4
        ? null
        : Duration.ofSeconds(Integer.parseInt(header));
  }
}
