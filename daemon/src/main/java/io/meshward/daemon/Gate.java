package io.meshward.daemon;

import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.QoSHandler;
import org.eclipse.jetty.util.Callback;

/** Lets a bounded number of requests in, has as many wait a moment, and refuses the others. */
final class Gate extends QoSHandler {
  private final Metrics metrics;

  Gate(HttpLimits limits, Metrics metrics, Handler next) {
    super(next);
    this.metrics = metrics;
    setMaxRequestCount(limits.inFlight());
    setMaxSuspendedRequestCount(limits.inFlight());
    setMaxSuspend(limits.queue());
  }

  @Override
  protected void reject(Request request, Response response, Callback callback, int status) {
    metrics.increment(Metric.HTTP_REQUESTS, "any", String.valueOf(status));
    super.reject(request, response, callback, status);
  }
}
