package io.meshward.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.re2j.Pattern;
import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.xds.internal.Matchers.HeaderMatcher;
import io.grpc.xds.internal.Matchers.StringMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.Action;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AlwaysTrueMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AndMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthConfig;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthHeaderMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthenticatedMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.Matcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.OrMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PathMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PolicyMatcher;
import java.io.InputStream;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * gRPC's authorization engine under a policy in the JSON of gRFC A43, put together as the RFC's
 * section on the translation to RBAC says: a deny engine first, then an allow engine.
 */
final class GrpcEngine {
  private final GrpcAuthorizationEngine deny;
  private final GrpcAuthorizationEngine allow;

  GrpcEngine(JsonNode policy) {
    deny = engine(policy.path("deny_rules"), Action.DENY);
    allow = engine(policy.path("allow_rules"), Action.ALLOW);
  }

  boolean allows(X509Certificate caller, String path, Metadata headers) {
    ServerCall<byte[], byte[]> call = new StillCall(path, Calls.transport(caller));
    return deny.evaluate(headers, call).decision() == Action.ALLOW
        && allow.evaluate(headers, call).decision() == Action.ALLOW;
  }

  private static GrpcAuthorizationEngine engine(JsonNode rules, Action action) {
    List<PolicyMatcher> policies = new ArrayList<>();
    for (JsonNode rule : rules) {
      JsonNode principals = rule.path("source").path("principals");
      List<Matcher> permissions = new ArrayList<>();
      JsonNode paths = rule.path("request").path("paths");
      if (!paths.isEmpty()) {
        permissions.add(any(paths, PathMatcher::create));
      }
      for (JsonNode header : rule.path("request").path("headers")) {
        String key = header.path("key").asText().toLowerCase(Locale.ROOT);
        permissions.add(
            any(
                header.path("values"),
                value -> AuthHeaderMatcher.create(HeaderMatcher.forString(key, value, false))));
      }
      policies.add(
          PolicyMatcher.create(
              rule.path("name").asText(),
              OrMatcher.create(
                  permissions.isEmpty()
                      ? AlwaysTrueMatcher.INSTANCE
                      : AndMatcher.create(permissions)),
              principals.isEmpty()
                  ? OrMatcher.create(AlwaysTrueMatcher.INSTANCE)
                  : any(principals, AuthenticatedMatcher::create)));
    }
    return new GrpcAuthorizationEngine(AuthConfig.create(policies, action));
  }

  private static OrMatcher any(JsonNode patterns, Function<StringMatcher, Matcher> matcher) {
    List<Matcher> all = new ArrayList<>();
    for (JsonNode pattern : patterns) {
      all.add(matcher.apply(matcher(pattern.textValue())));
    }
    return OrMatcher.create(all);
  }

  private static StringMatcher matcher(String pattern) {
    if (pattern.equals("*")) {
      return StringMatcher.forSafeRegEx(Pattern.compile(".+"));
    }
    if (pattern.startsWith("*")) {
      return StringMatcher.forSuffix(pattern.substring(1), false);
    }
    return pattern.endsWith("*")
        ? StringMatcher.forPrefix(pattern.substring(0, pattern.length() - 1), false)
        : StringMatcher.forExact(pattern, false);
  }

  /** A call that nothing happens to. */
  private static final class StillCall extends ServerCall<byte[], byte[]> {
    private static final MethodDescriptor.Marshaller<byte[]> NOTHING =
        new MethodDescriptor.Marshaller<>() {
          @Override
          public InputStream stream(byte[] value) {
            throw new UnsupportedOperationException();
          }

          @Override
          public byte[] parse(InputStream stream) {
            throw new UnsupportedOperationException();
          }
        };

    private final MethodDescriptor<byte[], byte[]> method;
    private final Attributes attributes;

    StillCall(String path, Attributes attributes) {
      this.method =
          MethodDescriptor.<byte[], byte[]>newBuilder()
              .setType(MethodType.UNARY)
              .setFullMethodName(path.substring(1))
              .setRequestMarshaller(NOTHING)
              .setResponseMarshaller(NOTHING)
              .build();
      this.attributes = attributes;
    }

    @Override
    public Attributes getAttributes() {
      return attributes;
    }

    @Override
    public String getAuthority() {
      return "shop.test";
    }

    @Override
    public MethodDescriptor<byte[], byte[]> getMethodDescriptor() {
      return method;
    }

    @Override
    public void request(int messages) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sendHeaders(Metadata headers) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sendMessage(byte[] message) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close(Status status, Metadata trailers) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isCancelled() {
      return false;
    }
  }
}
