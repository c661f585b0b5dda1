package io.meshward.daemon;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives each request to the handler of its path and method. */
final class Router extends Handler.Abstract {
  private static final Logger log = LoggerFactory.getLogger(Router.class);

  private final Map<String, Map<String, HttpHandler>> routes;
  private final HttpLimits limits;
  private final Metrics metrics;

  Router(Map<String, Map<String, HttpHandler>> routes, HttpLimits limits, Metrics metrics) {
    this.routes = routes;
    this.limits = limits;
    this.metrics = metrics;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    String path = Request.getPathInContext(request);
    Map<String, HttpHandler> methods = routes.get(path);
    HttpCall call = new HttpCall(request, limits, request.getComponents().getScheduler());
    HttpReply reply;
    if (methods == null) {
      reply =
          HttpReply.problem(
              new Problem(
                  404,
                  "not_found",
                  "nothing is at this path: expected one of " + new TreeSet<>(routes.keySet())));
    } else {
      HttpHandler handler = handler(methods, request.getMethod());
      reply = handler == null ? methodNotAllowed(methods.keySet()) : answer(handler, call);
    }
    metrics.increment(
        Metric.HTTP_REQUESTS, methods == null ? "other" : path, String.valueOf(reply.status()));
    call.dropRest();
    Replies.write(response, callback, reply);
    return true;
  }

  private static @Nullable HttpHandler handler(Map<String, HttpHandler> methods, String method) {
    HttpHandler handler = methods.get(method);
    return handler == null && method.equals("HEAD") ? methods.get("GET") : handler;
  }

  private static HttpReply answer(HttpHandler handler, HttpCall call) {
    try {
      return handler.handle(call);
    } catch (ProblemException e) {
      return HttpReply.problem(e.problem());
    } catch (Exception e) {
      log.atError().addKeyValue("path", call.path()).setCause(e).log("a request failed");
      return HttpReply.problem(
          new Problem(500, "internal", "the request failed; the log says why"));
    }
  }

  static HttpReply methodNotAllowed(Set<String> allowed) {
    String methods = String.join(", ", new TreeSet<>(allowed));
    return HttpReply.problem(
            new Problem(405, "method_not_allowed", "expected one of the methods " + methods))
        .with("Allow", methods);
  }
}
