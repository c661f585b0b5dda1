package io.meshward.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Answers what orchestrators and Prometheus ask; the rest goes on. */
final class Probes extends Handler.Wrapper {
  private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

  private final Health health;
  private final Metrics metrics;

  Probes(Health health, Metrics metrics, Handler next) {
    super(next);
    this.health = health;
    this.metrics = metrics;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    HttpReply reply =
        switch (Request.getPathInContext(request)) {
          case "/healthz" -> live();
          case "/readyz" -> ready();
          case "/metrics" -> HttpReply.text(200, PROMETHEUS, metrics.scrape());
          default -> null;
        };
    if (reply == null) {
      return super.handle(request, response, callback);
    }
    boolean read = request.getMethod().equals("GET") || request.getMethod().equals("HEAD");
    Replies.write(response, callback, read ? reply : Router.methodNotAllowed(Set.of("GET")));
    return true;
  }

  private HttpReply live() {
    return health
        .fatal()
        .map(reason -> HttpReply.json(503, members("status", "failed", "reason", reason)))
        .orElseGet(() -> HttpReply.json(200, Map.of("status", "ok")));
  }

  private HttpReply ready() {
    Map<String, String> problems = health.problems();
    Map<String, Object> checks = new LinkedHashMap<>();
    health.names().forEach(name -> checks.put(name, problems.getOrDefault(name, "ok")));
    return problems.isEmpty()
        ? HttpReply.json(200, members("status", "ready", "checks", checks))
        : HttpReply.json(503, members("status", "not ready", "checks", checks));
  }

  private static Map<String, Object> members(
      String first, Object firstValue, String second, Object secondValue) {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put(first, firstValue);
    members.put(second, secondValue);
    return members;
  }
}
