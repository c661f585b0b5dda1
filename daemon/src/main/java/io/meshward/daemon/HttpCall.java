package io.meshward.daemon;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Scheduler;

/** One request, as its handler sees it. Used by one thread. */
public final class HttpCall {
  private static final int CHUNK = 16 * 1024;

  private final Request request;
  private final HttpLimits limits;
  private final Scheduler scheduler;
  private byte[] received = {};

  HttpCall(Request request, HttpLimits limits, Scheduler scheduler) {
    this.request = request;
    this.limits = limits;
    this.scheduler = scheduler;
  }

  public String method() {
    return request.getMethod();
  }

  public String path() {
    return Request.getPathInContext(request);
  }

  /** The first value of a header. */
  public Optional<String> header(String name) {
    return Optional.ofNullable(request.getHeaders().get(name));
  }

  /** The address that the request came from. */
  public String remoteAddress() {
    return Request.getRemoteAddr(request);
  }

  /** The client's certificate, if it showed one; verified then. */
  public Optional<X509Certificate> clientCertificate() {
    EndPoint.SslSessionData session =
        request.getConnectionMetaData().getConnection().getEndPoint().getSslSessionData();
    if (session == null
        || session.peerCertificates() == null
        || session.peerCertificates().length == 0) {
      return Optional.empty();
    }
    return Optional.of(session.peerCertificates()[0]);
  }

  /**
   * The whole body, read now. Its encoding is the sender's; its type is not looked at.
   *
   * @throws ProblemException 413 if it is larger than the limit, 408 if it does not come in time,
   *     400 if it breaks off; {@link #received()} is what came
   */
  public byte[] body() {
    long limit = limits.body().bytes();
    boolean tooLarge = request.getLength() > limit;
    if (tooLarge && request.getHeaders().contains(HttpHeader.EXPECT)) {
      throw tooLarge(limit);
    }
    Duration left = limits.request().minusNanos(System.nanoTime() - request.getHeadersNanoTime());
    Scheduler.Task deadline =
        scheduler.schedule(
            () -> request.fail(new TimeoutException("the body did not come in time")),
            Math.max(1, left.toMillis()),
            TimeUnit.MILLISECONDS);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (InputStream in = Request.asInputStream(request)) {
      byte[] chunk = new byte[CHUNK];
      int count = 0;
      // Of what is too large anyway, the beginning is enough.
      while (bytes.size() <= (tooLarge ? CHUNK : limit) && (count = in.read(chunk)) >= 0) {
        bytes.write(chunk, 0, count);
      }
      if (tooLarge || bytes.size() > limit) {
        throw tooLarge(limit);
      }
    } catch (IOException e) {
      throw brokenOff(e);
    } finally {
      deadline.cancel();
      received = bytes.toByteArray();
    }
    return received;
  }

  /** What {@link #body()} read, also if it failed; at least the beginning of a too large body. */
  public byte[] received() {
    return received.clone();
  }

  private static ProblemException tooLarge(long limit) {
    return new ProblemException(
        new Problem(
            413, "too_large", "the body is too large: expected at most " + limit + " bytes"));
  }

  private ProblemException brokenOff(IOException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof TimeoutException) {
        return new ProblemException(
            new Problem(
                408,
                "too_slow",
                "the body did not come within " + Durations.print(limits.request())));
      }
    }
    return new ProblemException(
        new Problem(400, "broken_off", "the body broke off: " + failure.getMessage()));
  }
}
