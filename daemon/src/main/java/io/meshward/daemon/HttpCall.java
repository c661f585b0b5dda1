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

  /**
   * Which part of the time for a request a refused client may go on sending; it could not read its
   * answer otherwise.
   */
  private static final int LINGERING = 10;

  private final Request request;
  private final HttpLimits limits;
  private final Scheduler scheduler;
  private final InputStream content;
  private byte[] received = {};
  private boolean ended;

  HttpCall(Request request, HttpLimits limits, Scheduler scheduler) {
    this.request = request;
    this.limits = limits;
    this.scheduler = scheduler;
    content = Request.asInputStream(request);
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
    Scheduler.Task deadline = failAfter(timeLeft());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      byte[] chunk = new byte[CHUNK];
      int count = 0;
      // Of what is too large anyway, the beginning is enough.
      while (bytes.size() <= (tooLarge ? CHUNK : limit) && (count = content.read(chunk)) >= 0) {
        bytes.write(chunk, 0, count);
      }
      ended = count < 0;
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

  /**
   * Reads what is left of the body and drops it, up to the limit of a body and for a tenth of the
   * time that a request may take at most. A client writes its request before it reads the answer:
   * closing the connection under it resets it, and the answer is lost. One that waits to be told to
   * go on is left waiting.
   */
  void dropRest() {
    if (ended || request.getHeaders().contains(HttpHeader.EXPECT)) {
      return;
    }
    Duration left = timeLeft();
    Duration linger = limits.request().dividedBy(LINGERING);
    Scheduler.Task deadline = failAfter(left.compareTo(linger) < 0 ? left : linger);
    try {
      content.skipNBytes(limits.body().bytes());
    } catch (IOException e) {
      // The end, a client that is gone or one that is too slow.
    } finally {
      deadline.cancel();
    }
  }

  private Duration timeLeft() {
    return limits.request().minusNanos(System.nanoTime() - request.getHeadersNanoTime());
  }

  private Scheduler.Task failAfter(Duration time) {
    return scheduler.schedule(
        () -> request.fail(new TimeoutException("the body did not come in time")),
        Math.max(1, time.toMillis()),
        TimeUnit.MILLISECONDS);
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
