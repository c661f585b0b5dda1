package io.meshward.runtime;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * One fetch of a bundle document over HTTPS: a bounded body within a deadline, and few redirects,
 * each to https and to a server that is authenticated as the first one (SPIFFE Federation 5.1). A
 * redirect is followed for this fetch only. For one use.
 */
final class BundleFetch {
  static final int MAX_BYTES = 1024 * 1024;
  private static final int MAX_REDIRECTS = 3;

  private final SSLContext tls;
  private final Duration deadline;

  /**
   * @param tls judges the server: an SVID, or a certificate for its host
   */
  BundleFetch(SSLContext tls, Duration deadline) {
    this.tls = tls;
    this.deadline = deadline;
  }

  /**
   * Fetches the document.
   *
   * @throws IOException saying what is wrong, for people
   */
  byte[] get(URI configured) throws IOException, InterruptedException {
    long end = System.nanoTime() + deadline.toNanos();
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    // A client of its own: no session of an earlier fetch is resumed, so each server is judged.
    HttpClient client =
        HttpClient.newBuilder()
            .sslContext(tls)
            .sslParameters(parameters)
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(deadline)
            .build();
    try {
      URI url = configured;
      for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        HttpResponse<byte[]> response = send(client, url, end);
        if (response.statusCode() == 200) {
          return response.body();
        }
        url = redirected(response, url);
      }
      throw new IOException("more than " + MAX_REDIRECTS + " redirects from " + configured);
    } finally {
      client.shutdownNow();
    }
  }

  private HttpResponse<byte[]> send(HttpClient client, URI url, long end)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(url).header("accept", "application/json").GET().build();
    CompletableFuture<HttpResponse<byte[]>> answer =
        client.sendAsync(request, response -> new Capped());
    try {
      return answer.get(Math.max(1, (end - System.nanoTime()) / 1_000_000), MILLISECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new IOException(url + " did not answer within " + deadline.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw new IOException(url + ": " + rootMessage(cause == null ? e : cause), e);
    }
  }

  private static URI redirected(HttpResponse<byte[]> response, URI from) throws IOException {
    switch (response.statusCode()) {
      case 301, 302, 303, 307, 308 -> {
        String location =
            response
                .headers()
                .firstValue("location")
                .orElseThrow(() -> new IOException(from + " redirects without a location"));
        try {
          URI to = from.resolve(location);
          BundleEndpoint.requireHttps(to);
          return to;
        } catch (IllegalArgumentException e) {
          throw new IOException(from + " redirects to '" + location + "': " + e.getMessage(), e);
        }
      }
      default ->
          throw new IOException(
              from + " answered " + response.statusCode() + ": expected 200 and a bundle");
    }
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage() == null ? root : root.getMessage());
  }

  /** Collects a body, or gives up where it becomes too large. */
  private static final class Capped implements BodySubscriber<byte[]> {
    private final CompletableFuture<byte[]> body = new CompletableFuture<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private Flow.@Nullable Subscription subscription;

    @Override
    public CompletionStage<byte[]> getBody() {
      return body;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      for (ByteBuffer buffer : buffers) {
        byte[] part = new byte[buffer.remaining()];
        buffer.get(part);
        bytes.writeBytes(part);
      }
      Flow.Subscription open = subscription;
      if (open == null) {
        return;
      }
      if (bytes.size() > MAX_BYTES) {
        open.cancel();
        body.completeExceptionally(
            new IOException("the bundle is larger than " + MAX_BYTES + " bytes"));
      } else {
        open.request(1);
      }
    }

    @Override
    public void onError(Throwable failure) {
      body.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      body.complete(bytes.toByteArray());
    }
  }
}
