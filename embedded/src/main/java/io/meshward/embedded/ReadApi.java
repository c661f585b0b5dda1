package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.ResourceApi.Answer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The verbs that read: get, list, watch. */
final class ReadApi {

  private static final Duration WATCH_TIMEOUT = Duration.ofMinutes(30);

  private final Registry registry;

  ReadApi(Registry registry) {
    this.registry = registry;
  }

  Answer get(ApiCall call, ResourcePath path) {
    String version = call.parameter("resourceVersion").orElse("");
    Optional<Long> asked = version(version);
    if (asked.isEmpty() && !version.isEmpty()) {
      throw ApiFailure.internal(unparsable(version));
    }
    asked.ifPresent(this::checkReached);
    return ok(registry.get(path.type(), path.namespace(), path.name()).json());
  }

  Answer list(ApiCall call, ResourcePath path) {
    checkListOptions(call);
    Predicate<ApiObject> filter = filter(call, path.type());
    if (call.parameter("continue").isPresent()) {
      throw ApiFailure.notSimulated("lists in pages (continue)");
    }
    if (call.parameter("resourceVersionMatch").orElse("").equals("Exact")) {
      throw ApiFailure.notSimulated("resourceVersionMatch=Exact");
    }
    String version = call.parameter("resourceVersion").orElse("");
    Optional<Long> asked = version(version);
    if (asked.isEmpty() && !version.isEmpty()) {
      throw ApiFailure.badRequest("invalid resource version: " + unparsable(version));
    }
    asked.ifPresent(this::checkReached);
    ObjectStore.Snapshot snapshot = registry.store().list(path.type(), path.namespace());
    ObjectNode list = JsonNodeFactory.instance.objectNode();
    list.put("kind", path.type().kind() + "List").put("apiVersion", path.type().apiVersion());
    list.putObject("metadata").put("resourceVersion", Long.toString(snapshot.version()));
    ArrayNode items = list.putArray("items");
    snapshot.objects().stream().filter(filter).forEach(o -> items.add(item(path.type(), o)));
    long limit = call.number("limit").orElse(0L);
    if (limit > 0 && items.size() > limit) {
      throw ApiFailure.notSimulated("lists in pages (limit=" + limit + " of " + items.size() + ")");
    }
    return ok(list);
  }

  /** An object in a list does not say its kind. */
  private static ObjectNode item(ResourceType type, ApiObject object) {
    ObjectNode item = JsonNodeFactory.instance.objectNode();
    EventVersions.toServed(type, object)
        .json()
        .properties()
        .forEach(
            e -> {
              if (!e.getKey().equals("kind") && !e.getKey().equals("apiVersion")) {
                item.set(e.getKey(), e.getValue());
              }
            });
    return item;
  }

  Answer watch(ApiCall call, ResourcePath path) {
    Duration timeout =
        checkListOptions(call).filter(s -> s > 0).map(Duration::ofSeconds).orElse(WATCH_TIMEOUT);
    Predicate<ApiObject> filter = filter(call, path.type());
    boolean bookmarks = call.flag("allowWatchBookmarks");
    String version = call.parameter("resourceVersion").orElse("");
    boolean asked = call.parameter("sendInitialEvents").isPresent();
    boolean recent = version.isEmpty() || version.equals("0");
    WatchStream.Start start;
    if (asked ? call.flag("sendInitialEvents") : recent) {
      ObjectStore.Snapshot snapshot = registry.store().list(path.type(), path.namespace());
      List<ApiObject> initial =
          snapshot.objects().stream()
              .filter(filter)
              .map(o -> EventVersions.toServed(path.type(), o))
              .toList();
      start = new WatchStream.Start(snapshot.version(), initial, bookmarks);
    } else {
      long from =
          recent
              ? registry.store().version()
              : version(version).orElseThrow(() -> ApiFailure.internal(unparsable(version)));
      start = new WatchStream.Start(from, List.of(), false);
    }
    return new Answer.Events(
        new WatchStream.Selection(path.type(), path.namespace(), filter),
        start,
        bookmarks,
        timeout);
  }

  private static Predicate<ApiObject> filter(ApiCall call, ResourceType type) {
    LabelSelector labels = LabelSelector.parse(call.parameter("labelSelector").orElse(null));
    FieldSelector fields = FieldSelector.parse(call.parameter("fieldSelector").orElse(null), type);
    return object -> labels.matches(object.labels()) && fields.matches(object);
  }

  /** Checks the options against each other; answers the timeout in seconds. */
  private static Optional<Long> checkListOptions(ApiCall call) {
    Optional<Long> timeout = call.number("timeoutSeconds");
    boolean watch = call.flag("watch");
    String version = call.parameter("resourceVersion").orElse("");
    String match = call.parameter("resourceVersionMatch").orElse("");
    List<Cause> causes = new ArrayList<>();
    if (call.parameter("sendInitialEvents").isPresent()) {
      if (!watch) {
        causes.add(Cause.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
      } else if (!match.equals("NotOlderThan")) {
        causes.add(
            Cause.forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
        if (!match.isEmpty()) {
          causes.add(
              Cause.unsupported(
                  "resourceVersionMatch", FieldErrors.quote(match), List.of("NotOlderThan")));
        }
      }
    } else if (!match.isEmpty()) {
      if (watch) {
        causes.add(
            Cause.forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is"
                    + " provided"));
      } else if (version.isEmpty()) {
        causes.add(
            Cause.forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided"));
      } else if (!match.equals("Exact") && !match.equals("NotOlderThan")) {
        causes.add(
            Cause.unsupported(
                "resourceVersionMatch",
                FieldErrors.quote(match),
                List.of("Exact", "NotOlderThan", "")));
      } else if (match.equals("Exact") && version.equals("0")) {
        causes.add(
            Cause.forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
      }
    }
    if (!causes.isEmpty()) {
      throw ApiFailure.invalid("meta.k8s.io", "ListOptions", "", causes);
    }
    return timeout;
  }

  /**
   * A read may ask for state that is not older than a version; the state here is always the newest.
   */
  private void checkReached(long asked) {
    long current = registry.store().version();
    if (Long.compareUnsigned(asked, current) > 0) {
      throw ApiFailure.versionTooLarge(asked, current);
    }
  }

  /** The version as a number, or nothing if it is none. */
  private static Optional<Long> version(String text) {
    try {
      return Optional.of(Long.parseUnsignedLong(text));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static String unparsable(String version) {
    return "resourceVersion: Invalid value: \""
        + version
        + "\": strconv.ParseUint: parsing \""
        + version
        + "\": invalid syntax";
  }

  private static Answer ok(ObjectNode body) {
    return new Answer.Document(200, body, List.of());
  }
}
