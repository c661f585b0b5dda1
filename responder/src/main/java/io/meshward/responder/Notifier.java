package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ClusterAction.Outcome;
import io.meshward.schemas.Containment;
import io.meshward.schemas.Containment.Step;
import io.meshward.schemas.EventCodec;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code notify}: tells people, by the log and by a webhook. A notification may come twice after an
 * interruption; its {@code Idempotency-Key} tells. Blocking; thread-safe.
 */
final class Notifier implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Notifier.class);

  private final ResponderConfig.Notifications config;
  private final HttpClient http;

  Notifier(ResponderConfig.Notifications config) {
    this.config = config;
    this.http = HttpClient.newBuilder().connectTimeout(config.timeout()).build();
  }

  /** Tells about a step of a containment. */
  Outcome tell(Containment containment, int index) {
    Step step = containment.steps().get(index);
    String text = step.parameters().path("text").asText("");
    log.atWarn()
        .addKeyValue("containment", containment.containment().id())
        .addKeyValue("playbook", containment.playbook().name())
        .addKeyValue("state", containment.containment().state())
        .addKeyValue("target", name(containment))
        .addKeyValue("text", text)
        .log("containment");
    if (!step.parameters().path("to").asText("log").equals("webhook")) {
      return new Outcome.Done("logged");
    }
    URI webhook = config.webhook();
    return webhook == null
        ? new Outcome.Failed("no webhook is configured under notifications.webhook")
        : post(webhook, containment, index, text);
  }

  private Outcome post(URI webhook, Containment containment, int index, String text) {
    ObjectNode body = EventCodec.object();
    body.put("text", text);
    body.set("containment", EventCodec.toTree(containment));
    HttpRequest request =
        HttpRequest.newBuilder(webhook)
            .timeout(config.timeout())
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", containment.containment().id() + "/" + index)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body.toString().getBytes(UTF_8)))
            .build();
    try {
      int status = http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
      return status / 100 == 2
          ? new Outcome.Done("the webhook took it")
          : new Outcome.Failed("the webhook answered " + status);
    } catch (IOException e) {
      return new Outcome.Failed("the webhook does not answer: " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Outcome.Failed("interrupted");
    }
  }

  private static @Nullable String name(Containment containment) {
    return containment.target().owner() == null
        ? String.valueOf(containment.target().spiffeId())
        : containment.target().namespace() + "/" + containment.target().owner().name();
  }

  @Override
  public void close() {
    http.shutdownNow();
    http.close();
  }
}
