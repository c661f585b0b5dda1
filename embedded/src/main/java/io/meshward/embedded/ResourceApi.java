package io.meshward.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.KindDecoder.Origin;
import io.meshward.embedded.RequestBody.Patch;
import java.time.Duration;
import java.util.List;

/** The verbs on resources: what an HTTP request means, without HTTP. Thread-safe. */
final class ResourceApi {

  private static final KindDecoder EVICTION =
      new KindDecoder("policy/v1", "Eviction", ResourceCatalogue.struct("Eviction"));

  /** Resources whose deletion answers the object rather than a status. */
  private static final List<String> RETURN_DELETED =
      List.of("pods", "namespaces", "services", "serviceaccounts");

  private final Registry registry;
  private final ReadApi reads;
  private final Scale scale;

  ResourceApi(Registry registry) {
    this.registry = registry;
    this.reads = new ReadApi(registry);
    this.scale = new Scale(registry);
  }

  /** What to answer. */
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
  Answer answer(ApiCall call, ResourcePath path, RequestBody body, String userAgent) {
    return switch (path.subresource()) {
      case "" ->
          path.name().isEmpty()
              ? collection(call, path, body, userAgent)
              : object(call, path, body, userAgent);
      case "scale" -> scale(call, path, body, userAgent);
      case "eviction" -> evict(call, path, body, userAgent);
      default -> throw ApiFailure.noSuchResource();
    };
  }

  private Answer collection(ApiCall call, ResourcePath path, RequestBody body, String userAgent) {
    boolean everywhere = path.type().namespaced() && path.namespace().isEmpty();
    return switch (call.method()) {
      case "GET" -> call.flag("watch") ? reads.watch(call, path) : reads.list(call, path);
      case "POST" -> {
        if (everywhere) {
          throw ApiFailure.methodNotAllowed();
        }
        WriteOptions options = RequestOptions.write(call, "CreateOptions", userAgent, false);
        yield written(
            registry.create(
                path.type(), path.namespace(), body.object(path.type().kind()), options));
      }
      case "DELETE" -> {
        if (everywhere || path.type().equals(ResourceCatalogue.NAMESPACES)) {
          throw ApiFailure.methodNotAllowed();
        }
        throw ApiFailure.notSimulated("the verb deletecollection");
      }
      default -> throw ApiFailure.methodNotAllowed();
    };
  }

  private Answer object(ApiCall call, ResourcePath path, RequestBody body, String userAgent) {
    return switch (call.method()) {
      case "GET" -> reads.get(call, path);
      case "PUT" -> {
        WriteOptions options = RequestOptions.write(call, "UpdateOptions", userAgent, false);
        ObjectNode object = body.object(path.type().kind());
        KindDecoder.checkAddress(new ApiObject(object), path.namespace(), path.name());
        yield written(
            registry.update(
                path.type(),
                path.namespace(),
                path.name(),
                Origin.BODY,
                current -> object,
                options));
      }
      case "PATCH" -> {
        if (body.isApply()) {
          WriteOptions options = RequestOptions.write(call, "PatchOptions", userAgent, true);
          yield written(
              registry.apply(path.type(), path.namespace(), path.name(), body.applied(), options));
        }
        Patch patch = body.patch();
        WriteOptions options = RequestOptions.write(call, "PatchOptions", userAgent, false);
        yield written(
            registry.update(
                path.type(),
                path.namespace(),
                path.name(),
                Origin.PATCH,
                current -> patch.applyTo(current.json()),
                options));
      }
      case "DELETE" -> {
        DeleteOptions options = RequestOptions.delete(call, body.deleteOptions());
        Deletion.Outcome outcome =
            registry.delete(path.type(), path.namespace(), path.name(), options);
        boolean whole = !outcome.gone() || RETURN_DELETED.contains(path.type().plural());
        yield ok(whole ? outcome.object().json() : success(path.type(), outcome.object()));
      }
      default -> throw ApiFailure.methodNotAllowed();
    };
  }

  private static ObjectNode success(ResourceType type, ApiObject deleted) {
    ObjectNode status = success();
    ObjectNode details = status.putObject("details").put("name", deleted.name());
    if (!type.group().isEmpty()) {
      details.put("group", type.group());
    }
    details.put("kind", type.plural()).put("uid", deleted.uid());
    return status;
  }

  private static ObjectNode success() {
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    status.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
    return status.put("status", "Success");
  }

  private Answer scale(ApiCall call, ResourcePath path, RequestBody body, String userAgent) {
    ResourceType type = path.type();
    return switch (call.method()) {
      case "GET" -> ok(Scale.of(registry.get(type, path.namespace(), path.name())));
      case "PUT" -> {
        WriteOptions options = RequestOptions.write(call, "UpdateOptions", userAgent, false);
        ObjectNode object = body.object("Scale");
        KindDecoder.checkAddress(new ApiObject(object), path.namespace(), path.name());
        yield scaled(
            scale.update(
                type, path.namespace(), path.name(), Origin.BODY, current -> object, options));
      }
      case "PATCH" -> {
        if (body.isApply()) {
          throw ApiFailure.notSimulated("server-side apply of a scale");
        }
        Patch patch = body.patch();
        WriteOptions options = RequestOptions.write(call, "PatchOptions", userAgent, false);
        yield scaled(
            scale.update(
                type, path.namespace(), path.name(), Origin.PATCH, patch::applyTo, options));
      }
      default -> throw ApiFailure.methodNotAllowed();
    };
  }

  private static Answer scaled(Scale.Written written) {
    return new Answer.Document(200, written.scale(), written.warnings());
  }

  /**
   * An eviction is a deletion with a condition that says why; without disruption budgets nothing
   * stands in its way.
   */
  private Answer evict(ApiCall call, ResourcePath path, RequestBody body, String userAgent) {
    if (!call.method().equals("POST")) {
      throw ApiFailure.methodNotAllowed();
    }
    WriteOptions write = RequestOptions.write(call, "CreateOptions", userAgent, false);
    ObjectNode json = body.object("Eviction");
    if (json.path("apiVersion").asText().equals("policy/v1beta1")) {
      // The one kind of that version that servers still take; fabric8's client sends it.
      json.put("apiVersion", "policy/v1");
    }
    KindDecoder.Decoded decoded = EVICTION.decode(json, Origin.BODY, write.validation());
    KindDecoder.checkNamespace(decoded.object(), path.namespace());
    if (!decoded.object().name().equals(path.name())) {
      throw ApiFailure.badRequest("name in URL does not match name in Eviction object");
    }
    DeleteOptions options =
        decoded.object().json().path("deleteOptions") instanceof ObjectNode given
            ? RequestOptions.fromBody(given)
            : DeleteOptions.BACKGROUND;
    registry.evict(path.namespace(), path.name(), write.dryRun() ? options.asDryRun() : options);
    return new Answer.Document(201, success().put("code", 201), decoded.warnings());
  }

  private static Answer written(Registry.Written written) {
    return new Answer.Document(
        written.created() ? 201 : 200, written.object().json(), written.warnings());
  }

  private static Answer ok(JsonNode body) {
    return new Answer.Document(200, body, List.of());
  }
}
