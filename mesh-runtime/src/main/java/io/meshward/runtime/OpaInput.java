package io.meshward.runtime;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.Metadata;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.SpiffeId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What OPA sees of a call: the input of its Envoy plugin, with the SPIFFE IDs as principals, the
 * claims of a verified JWT-SVID where Envoy's filter for such tokens puts them, and {@code context}
 * with what Envoy does not know. Time is not in it: a policy has {@code time.now_ns()}, and answers
 * are cached for the shorter.
 */
final class OpaInput {
  /** Envoy's filter that verifies tokens, and where the plugin's documentation puts its claims. */
  private static final String JWT_FILTER = "envoy.filters.http.jwt_authn";

  private static final String JWT_CLAIMS = "verified_jwt";

  private final Supplier<@Nullable SpiffeId> own;
  private final List<Metadata.Key<String>> headers;

  /**
   * @param own this workload's ID
   * @param headers the metadata keys to show
   */
  OpaInput(Supplier<@Nullable SpiffeId> own, List<String> headers) {
    this.own = own;
    this.headers =
        headers.stream()
            .map(key -> Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER))
            .toList();
  }

  /** The values of the headers that are shown, in their order; {@code null} where one is absent. */
  List<@Nullable String> headers(Metadata metadata) {
    if (headers.isEmpty()) {
      return List.of();
    }
    List<@Nullable String> values = new ArrayList<>();
    for (Metadata.Key<String> key : headers) {
      Iterable<String> all = metadata.getAll(key);
      values.add(all == null ? null : String.join(",", all));
    }
    return values;
  }

  /**
   * The body of a request.
   *
   * @param risk the caller's risk score, or {@link Double#NaN}: then {@code context.risk_score} is
   *     undefined
   */
  byte[] json(CallFacts call, List<@Nullable String> headerValues, double risk) {
    ObjectNode root = EventCodec.object();
    ObjectNode input = root.putObject("input");
    ObjectNode attributes = input.putObject("attributes");
    ConnectionFacts connection = call.connection();
    ObjectNode source = attributes.putObject("source");
    String ip = connection.ip();
    Integer port = connection.told().port();
    if (ip != null && port != null) {
      address(source, ip, port);
    }
    source.put("principal", call.principal().id().toString());
    ObjectNode destination = attributes.putObject("destination");
    String localPort = connection.localPort();
    if (localPort != null) {
      socket(destination).put("portValue", Integer.parseInt(localPort));
    }
    SpiffeId ownId = own.get();
    if (ownId != null) {
      destination.put("principal", ownId.toString());
    }
    ObjectNode http = attributes.putObject("request").putObject("http");
    http.put("method", "POST")
        .put("path", "/" + call.method())
        .put("protocol", "HTTP/2")
        .put("scheme", "https");
    ObjectNode shown = http.putObject("headers");
    for (int i = 0; i < headerValues.size(); i++) {
      String value = headerValues.get(i);
      if (value != null) {
        shown.put(headers.get(i).name(), value);
      }
    }
    if (!call.claims().all().isEmpty()) {
      attributes
          .putObject("metadataContext")
          .putObject("filterMetadata")
          .putObject(JWT_FILTER)
          .set(JWT_CLAIMS, EventCodec.toTree(call.claims().all()));
    }
    ArrayNode parsed = input.putArray("parsed_path");
    for (String segment : call.method().split("/", -1)) {
      parsed.add(segment);
    }
    input.putObject("parsed_query");
    input.put("truncated_body", false);
    input.putObject("version").put("ext_authz", "v3").put("encoding", "protojson");
    ObjectNode context = input.putObject("context");
    if (!call.principal().id().equals(connection.id())) {
      context.put("on_behalf_of", call.principal().id().toString());
      context.put("peer", connection.id().toString());
    }
    context(context, connection, risk);
    return EventCodec.encodeValue(root);
  }

  private static void context(ObjectNode context, ConnectionFacts connection, double risk) {
    if (!Double.isNaN(risk)) {
      context.put("risk_score", risk);
    }
    PeerIdentity peer = connection.peer();
    if (peer == null) {
      context.putObject("tls").put("mutual_auth", false);
      return;
    }
    context
        .putObject("tls")
        .put("mutual_auth", true)
        .put("version", connection.tlsVersion())
        .put("cipher", connection.tlsCipher());
    context
        .putObject("svid")
        .put("trust_domain", connection.id().trustDomain().name())
        .put("serial", Certificates.serial(peer.certificate()))
        .put("not_before", peer.notBefore().toString())
        .put("not_after", peer.notAfter().toString());
  }

  private static void address(ObjectNode of, String ip, int port) {
    socket(of).put("address", ip).put("portValue", port);
  }

  private static ObjectNode socket(ObjectNode of) {
    return of.putObject("address").putObject("socketAddress");
  }
}
