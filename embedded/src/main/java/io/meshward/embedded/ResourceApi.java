package io.meshward.embedded;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ApiFailure.Cause;
import io.meshward.embedded.KindDecoder.Origin;
import io.meshward.embedded.Registry.Written;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** The verbs on resources: what an HTTP request means, without HTTP. Thread-safe. */
final class ResourceApi {

  private static final Duration WATCH_TIMEOUT = Duration.ofMinutes(30);

  private static final KindDecoder EVICTION =
      new KindDecoder("policy/v1", "Eviction", ResourceCatalogue.struct("Eviction"));

  private final Registry registry;
  private final Scale scale;
  private final ObjectMapper mapper;

  ResourceApi(Registry registry, ObjectMapper mapper) {
    this.registry = registry;
    this.scale = new Scale(registry);
    this.mapper = mapper;
  }

  /**
   * A request's headers and body, as far as the API looks at them.
   *
   * @param contentType without parameters, in lower case
   */
  record Content(String body, String contentType, String userAgent) {}

  /** What to answer: a document, or a stream of events. */
  sealed interface Answer {

    /** A JSON document. */
    record Document(int code, JsonNode body, List<String> warnings) implements Answer {}

    /** Plain text, as health checks and unknown paths get. */
    record Text(int code, String body) implements Answer {}

    /** Events until the timeout. */
    record Events(
        WatchStream.Selection selection,
        WatchStream.Start start,
        boolean bookmarks,
        Duration timeout)
        implements Answer {}
  }

  /** Carries out a request. */
  Answer answer(ApiCall call, ResourcePath path, Content content) {
    if (!path.subresource().isEmpty()) {
      return switch (path.subresource()) {
        case "scale" -> scale(call, path, content);
        case "eviction" -> evict(call, path, content);
        default -> throw ApiFailure.noSuchResource();
      };
    }
    boolean collection = path.name().isEmpty();
    return switch (call.method()) {
      case "GET" ->
          collection ? call.flag("watch") ? watch(call, path) : list(call, path) : read(call, path);
      case "POST" -> {
        if (!collection || (path.type().namespaced() && path.namespace().isEmpty())) {
          throw ApiFailure.methodNotAllowed();
        }
        yield create(call, path, content);
      }
      case "PUT" -> {
        requireObject(collection);
        yield put(call, path, content);
      }
      case "PATCH" -> {
        requireObject(collection);
        yield patch(call, path, content);
      }
      case "DELETE" -> {
        if (collection
            && (!path.type().namespaced() || !path.namespace().isEmpty())
            && !path.type().plural().equals("namespaces")) {
          throw ApiFailure.notSimulated("the verb deletecollection");
        }
        requireObject(collection);
        yield delete(call, path, content);
      }
      default -> throw ApiFailure.methodNotAllowed();
    };
  }

  private static void requireObject(boolean collection) {
    if (collection) {
      throw ApiFailure.methodNotAllowed();
    }
  }

  // Read

  private Answer read(ApiCall call, ResourcePath path) {
    checkVersion(call);
    return ok(registry.get(path.type(), path.namespace(), path.name()).json());
  }

  private Answer list(ApiCall call, ResourcePath path) {
    checkListOptions(call);
    Predicate<ApiObject> filter = filter(call, path.type());
    if (call.parameter("continue").isPresent()) {
      throw ApiFailure.notSimulated("lists in pages (continue)");
    }
    if (call.parameter("resourceVersionMatch").orElse("").equals("Exact")) {
      throw ApiFailure.notSimulated("resourceVersionMatch=Exact");
    }
    checkVersion(call);
    ObjectStore.Snapshot snapshot = registry.store().list(path.type(), path.namespace());
    ObjectNode list = JsonNodeFactory.instance.objectNode();
    list.put("kind", path.type().kind() + "List").put("apiVersion", path.type().apiVersion());
    list.putObject("metadata").put("resourceVersion", Long.toString(snapshot.version()));
    ArrayNode items = list.putArray("items");
    snapshot.objects().stream()
        .filter(filter)
        .forEach(
            o ->
                items.add(
                    EventVersions.toServed(path.type(), o)
                        .json()
                        .deepCopy()
                        .without(List.of("kind", "apiVersion"))));
    long limit = call.number("limit").orElse(0L);
    if (limit > 0 && items.size() > limit) {
      throw ApiFailure.notSimulated("lists in pages (limit=" + limit + " of " + items.size() + ")");
    }
    return ok(list);
  }

  private Answer watch(ApiCall call, ResourcePath path) {
    checkListOptions(call);
    Predicate<ApiObject> filter = filter(call, path.type());
    Duration timeout =
        call.number("timeoutSeconds")
            .filter(s -> s > 0)
            .map(Duration::ofSeconds)
            .orElse(WATCH_TIMEOUT);
    String version = call.parameter("resourceVersion").orElse("");
    boolean sendInitial =
        call.parameter("sendInitialEvents").isPresent() && call.flag("sendInitialEvents");
    WatchStream.Start start;
    if (sendInitial || version.isEmpty() || version.equals("0")) {
      ObjectStore.Snapshot snapshot = registry.store().list(path.type(), path.namespace());
      boolean suppressed = call.parameter("sendInitialEvents").isPresent() && !sendInitial;
      List<ApiObject> initial =
          suppressed
              ? List.of()
              : snapshot.objects().stream()
                  .filter(filter)
                  .map(o -> EventVersions.toServed(path.type(), o))
                  .toList();
      start =
          new WatchStream.Start(
              snapshot.version(), initial, sendInitial && call.flag("allowWatchBookmarks"));
    } else {
      start = new WatchStream.Start(watchVersion(version), List.of(), false);
    }
    return new Answer.Events(
        new WatchStream.Selection(path.type(), path.namespace(), filter),
        start,
        call.flag("allowWatchBookmarks"),
        timeout);
  }

  private static long watchVersion(String version) {
    try {
      return Long.parseUnsignedLong(version);
    } catch (NumberFormatException e) {
      throw ApiFailure.internal(unparsable(version));
    }
  }

  private static Predicate<ApiObject> filter(ApiCall call, ResourceType type) {
    LabelSelector labels = LabelSelector.parse(call.parameter("labelSelector").orElse(null));
    FieldSelector fields = FieldSelector.parse(call.parameter("fieldSelector").orElse(null), type);
    return object -> labels.matches(object.labels()) && fields.matches(object);
  }

  private static void checkListOptions(ApiCall call) {
    boolean watch = call.flag("watch");
    String version = call.parameter("resourceVersion").orElse("");
    String match = call.parameter("resourceVersionMatch").orElse("");
    boolean sendInitial = call.parameter("sendInitialEvents").isPresent();
    if (sendInitial && !watch) {
      throw invalidList(
          Cause.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if (sendInitial && !match.equals("NotOlderThan")) {
      throw invalidList(
          Cause.forbidden(
              "resourceVersionMatch",
              "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
    }
    if (match.isEmpty() || sendInitial) {
      return;
    }
    if (watch) {
      throw invalidList(
          Cause.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    }
    if (version.isEmpty()) {
      throw invalidList(
          Cause.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (!match.equals("Exact") && !match.equals("NotOlderThan")) {
      throw invalidList(
          Cause.unsupported(
              "resourceVersionMatch", '"' + match + '"', List.of("Exact", "NotOlderThan", "")));
    }
    if (match.equals("Exact") && version.equals("0")) {
      throw invalidList(
          Cause.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    }
  }

  private static ApiFailure invalidList(Cause cause) {
    return ApiFailure.invalidOptions("ListOptions", cause);
  }

  /**
   * A read may ask for state not older than a version; this server's state is always the newest.
   */
  private void checkVersion(ApiCall call) {
    String version = call.parameter("resourceVersion").orElse("");
    if (version.isEmpty()) {
      return;
    }
    long asked;
    try {
      asked = Long.parseUnsignedLong(version);
    } catch (NumberFormatException e) {
      throw ApiFailure.badRequest("invalid resource version: " + unparsable(version));
    }
    long current = registry.store().version();
    if (Long.compareUnsigned(asked, current) > 0) {
      throw ApiFailure.versionTooLarge(asked, current);
    }
  }

  private static String unparsable(String version) {
    return "resourceVersion: Invalid value: \""
        + version
        + "\": strconv.ParseUint: parsing \""
        + version
        + "\": invalid syntax";
  }

  // Write

  private Answer create(ApiCall call, ResourcePath path, Content content) {
    WriteOptions options = RequestOptions.write(call, "CreateOptions", content.userAgent(), false);
    requireJson(content);
    Written written =
        registry.create(
            path.type(), path.namespace(), object(content, path.type().kind()), options);
    return new Answer.Document(201, written.object().json(), written.warnings());
  }

  private Answer put(ApiCall call, ResourcePath path, Content content) {
    WriteOptions options = RequestOptions.write(call, "UpdateOptions", content.userAgent(), false);
    requireJson(content);
    ObjectNode body = object(content, path.type().kind());
    Written written =
        registry.update(
            path.type(), path.namespace(), path.name(), Origin.BODY, current -> body, options);
    return new Answer.Document(200, written.object().json(), written.warnings());
  }

  private Answer patch(ApiCall call, ResourcePath path, Content content) {
    boolean apply = content.contentType().equals("application/apply-patch+yaml");
    if (!apply && !isPatch(content)) {
      throw ApiFailure.unsupportedMediaType();
    }
    WriteOptions options = RequestOptions.write(call, "PatchOptions", content.userAgent(), apply);
    if (apply) {
      Written written =
          registry.apply(path.type(), path.namespace(), path.name(), applied(content), options);
      return new Answer.Document(
          written.created() ? 201 : 200, written.object().json(), written.warnings());
    }
    JsonNode patch = decodedPatch(content);
    Written written =
        registry.update(
            path.type(),
            path.namespace(),
            path.name(),
            Origin.PATCH,
            current -> patched(current.json(), patch),
            options);
    return new Answer.Document(200, written.object().json(), written.warnings());
  }

  private Answer delete(ApiCall call, ResourcePath path, Content content) {
    DeleteOptions options = RequestOptions.delete(call, deleteBody(content));
    Registry.Deleted deleted = registry.delete(path.type(), path.namespace(), path.name(), options);
    boolean returnsObject = RETURN_DELETED.contains(path.type().plural()) || !deleted.gone();
    return ok(
        returnsObject ? deleted.object().json() : deletedStatus(path.type(), deleted.object()));
  }

  /** Resources whose deletion answers the object rather than a status. */
  private static final List<String> RETURN_DELETED =
      List.of("pods", "namespaces", "services", "serviceaccounts");

  private static ObjectNode deletedStatus(ResourceType type, ApiObject object) {
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    status.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
    ObjectNode details =
        status.put("status", "Success").putObject("details").put("name", object.name());
    if (!type.group().isEmpty()) {
      details.put("group", type.group());
    }
    details.put("kind", type.plural()).put("uid", object.uid());
    return status;
  }

  // Subresources

  private Answer scale(ApiCall call, ResourcePath path, Content content) {
    ResourceType type = path.type();
    return switch (call.method()) {
      case "GET" -> ok(Scale.of(registry.get(type, path.namespace(), path.name())));
      case "PUT" -> {
        WriteOptions options =
            RequestOptions.write(call, "UpdateOptions", content.userAgent(), false);
        requireJson(content);
        ObjectNode body = object(content, "Scale");
        yield ok(
            scale.update(
                type, path.namespace(), path.name(), Origin.BODY, current -> body, options));
      }
      case "PATCH" -> {
        if (content.contentType().equals("application/apply-patch+yaml")) {
          throw ApiFailure.notSimulated("server-side apply of a scale");
        }
        if (!isPatch(content)) {
          throw ApiFailure.unsupportedMediaType();
        }
        WriteOptions options =
            RequestOptions.write(call, "PatchOptions", content.userAgent(), false);
        JsonNode patch = decodedPatch(content);
        yield ok(
            scale.update(
                type,
                path.namespace(),
                path.name(),
                Origin.PATCH,
                current -> patched(current, patch),
                options));
      }
      default -> throw ApiFailure.methodNotAllowed();
    };
  }

  /**
   * An eviction is a deletion with a condition that says why; without disruption budgets nothing
   * stands in its way.
   */
  private Answer evict(ApiCall call, ResourcePath path, Content content) {
    if (!call.method().equals("POST")) {
      throw ApiFailure.methodNotAllowed();
    }
    WriteOptions write = RequestOptions.write(call, "CreateOptions", content.userAgent(), false);
    requireJson(content);
    ObjectNode body = object(content, "Eviction");
    if (body.path("apiVersion").asText().equals("policy/v1beta1")) {
      throw ApiFailure.notSimulated("policy/v1beta1");
    }
    KindDecoder.Decoded decoded = EVICTION.decode(body, Origin.BODY, write.validation());
    ApiObject eviction = decoded.object();
    if (!eviction.namespace().isEmpty() && !eviction.namespace().equals(path.namespace())) {
      throw ApiFailure.badRequest(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    if (!eviction.name().equals(path.name())) {
      throw ApiFailure.badRequest("name in URL does not match name in Eviction object");
    }
    ObjectNode given =
        eviction.json().path("deleteOptions") instanceof ObjectNode node
            ? node
            : JsonNodeFactory.instance.objectNode();
    DeleteOptions options = RequestOptions.fromBody(given);
    boolean dryRun = write.dryRun() || options.dryRun();
    registry
        .store()
        .locked(
            () -> {
              DeleteOptions checked =
                  new DeleteOptions(
                      options.uid(),
                      options.resourceVersion(),
                      options.graceSeconds(),
                      options.propagation(),
                      true);
              registry.delete(path.type(), path.namespace(), path.name(), checked);
              return dryRun || evicted(path, options);
            });
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    status.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
    return new Answer.Document(
        201, status.put("status", "Success").put("code", 201), decoded.warnings());
  }

  private boolean evicted(ResourcePath path, DeleteOptions options) {
    registry.updateUnowned(
        path.type(),
        path.namespace(),
        path.name(),
        pod ->
            Conditions.set(
                pod,
                "DisruptionTarget",
                true,
                "EvictionByEvictionAPI",
                "Eviction API: evicting",
                registry.now()));
    DeleteOptions unversioned =
        new DeleteOptions(
            options.uid(), null, options.graceSeconds(), options.propagation(), false);
    registry.delete(path.type(), path.namespace(), path.name(), unversioned);
    return true;
  }

  // Bodies

  private static void requireJson(Content content) {
    switch (content.contentType()) {
      case "", "application/json" -> {}
      case "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor" ->
          throw ApiFailure.notSimulated("bodies of type " + content.contentType());
      default -> throw ApiFailure.unsupportedBody();
    }
  }

  private static boolean isPatch(Content content) {
    return switch (content.contentType()) {
      case "application/merge-patch+json", "application/json-patch+json" -> true;
      case "application/strategic-merge-patch+json", "application/apply-patch+cbor" ->
          throw ApiFailure.notSimulated("patches of type " + content.contentType());
      default -> false;
    };
  }

  private ObjectNode object(Content content, String kind) {
    JsonNode node;
    try {
      node = mapper.readTree(content.body());
    } catch (JsonProcessingException e) {
      throw unrecognized(content, kind, "json parse error: not JSON");
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    if (node.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    throw unrecognized(
        content,
        kind,
        "json parse error: json: cannot unmarshal "
            + node.getNodeType().toString().toLowerCase(Locale.ROOT));
  }

  private static ApiFailure unrecognized(Content content, String kind, String why) {
    String text = content.body();
    String shown = text.length() > 100 ? text.substring(0, 100) : text;
    return ApiFailure.badRequest(
        "the object provided is unrecognized (must be of type "
            + kind
            + "): couldn't get version/kind; "
            + why
            + " ("
            + shown
            + ")");
  }

  /** An applied configuration; YAML, of which the double reads the part that is JSON. */
  private ObjectNode applied(Content content) {
    try {
      if (mapper.readTree(content.body()) instanceof ObjectNode object) {
        return object;
      }
      throw ApiFailure.badRequest("error decoding YAML: yaml: unmarshal errors");
    } catch (JsonProcessingException e) {
      throw ApiFailure.notSimulated("applied configurations that are YAML and not JSON");
    }
  }

  private JsonNode decodedPatch(Content content) {
    boolean json = content.contentType().equals("application/json-patch+json");
    JsonNode patch;
    try {
      patch = mapper.readTree(content.body());
    } catch (JsonProcessingException e) {
      throw ApiFailure.badRequest("error decoding patch: not JSON");
    }
    if (json && patch.isNull()) {
      return JsonNodeFactory.instance.arrayNode();
    }
    if (json && !patch.isArray()) {
      throw undecodable(patch, "[]handlers.jsonPatchOp");
    }
    for (JsonNode operation : json ? patch : MissingNode.getInstance()) {
      if (!operation.isObject()) {
        throw undecodable(operation, "handlers.jsonPatchOp");
      }
    }
    if (json && patch.size() > JsonPatch.MAX_OPERATIONS) {
      throw ApiFailure.tooLarge(JsonPatch.MAX_OPERATIONS);
    }
    if (!json && !patch.isObject()) {
      throw undecodable(patch, "map[string]interface {}");
    }
    return patch;
  }

  private static ApiFailure undecodable(JsonNode found, String expected) {
    return ApiFailure.badRequest(
        "error decoding patch: json: cannot unmarshal "
            + goKind(found)
            + " into Go value of type "
            + expected);
  }

  private static String goKind(JsonNode node) {
    return node.isTextual()
        ? "string"
        : node.isBoolean() ? "bool" : node.getNodeType().toString().toLowerCase(Locale.ROOT);
  }

  private static ObjectNode patched(ObjectNode current, JsonNode patch) {
    JsonNode result =
        patch instanceof ArrayNode operations
            ? JsonPatch.apply(current, operations)
            : MergePatch.apply(current, patch);
    if (result instanceof ObjectNode object) {
      return object;
    }
    throw ApiFailure.patchRejected();
  }

  private JsonNode deleteBody(Content content) {
    if (content.body().isEmpty()) {
      return MissingNode.getInstance();
    }
    requireJson(content);
    JsonNode body;
    try {
      body = mapper.readTree(content.body());
    } catch (JsonProcessingException e) {
      throw ApiFailure.badRequest("couldn't get version/kind; json parse error: not JSON");
    }
    if (body.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (!body.isObject()) {
      throw ApiFailure.badRequest(
          "couldn't get version/kind; json parse error: json: cannot unmarshal " + goKind(body));
    }
    return body;
  }

  private static Answer ok(JsonNode body) {
    return new Answer.Document(200, body, List.of());
  }
}
