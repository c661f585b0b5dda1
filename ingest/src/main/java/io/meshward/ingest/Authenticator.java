package io.meshward.ingest;

import io.meshward.daemon.HttpCall;
import io.meshward.daemon.Problem;
import io.meshward.daemon.ProblemException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Tells who posts, before anything of the body is read. Thread-safe. */
final class Authenticator {
  private static final int URI = 6;
  private static final int DNS = 2;
  private static final String BEARER = "Bearer ";

  private final @Nullable BearerToken token;
  private final boolean certificates;
  private final Set<String> clients;

  Authenticator(IngestConfig config) {
    token =
        config.authentication().bearerTokenFile() == null
            ? null
            : new BearerToken(config.authentication().bearerTokenFile());
    certificates = config.http().tls() != null && config.http().tls().clientCa() != null;
    clients = Set.copyOf(config.authentication().clients());
  }

  /**
   * The sender: the name in its certificate, else the address it posts from.
   *
   * @throws ProblemException 401 if it did not prove who it is, 403 if it may not post
   */
  String authenticate(HttpCall call) {
    if (token == null && !certificates) {
      return local(call);
    }
    Optional<String> authorization = call.header("Authorization");
    if (token != null && authorization.isPresent()) {
      if (!authorization.get().regionMatches(true, 0, BEARER, 0, BEARER.length())
          || !token.matches(authorization.get().substring(BEARER.length()).strip())) {
        throw unauthenticated("the bearer token is not the one expected");
      }
      return call.remoteAddress();
    }
    Optional<X509Certificate> certificate = call.clientCertificate();
    if (certificate.isEmpty()) {
      throw unauthenticated(
          "nothing proves who posts: expected "
              + (token == null ? "" : "a bearer token")
              + (token == null || !certificates ? "" : " or ")
              + (certificates ? "a client certificate" : ""));
    }
    return client(certificate.get());
  }

  /** A page in a browser on this machine reaches loopback, too; sensors send no Origin. */
  private static String local(HttpCall call) {
    if (call.header("Origin").isPresent()) {
      throw new ProblemException(
          new Problem(403, "forbidden", "a web page may not post: expected no Origin header"));
    }
    return call.remoteAddress();
  }

  private String client(X509Certificate certificate) {
    List<String> names = names(certificate);
    if (clients.isEmpty()) {
      return names.isEmpty() ? certificate.getSubjectX500Principal().getName() : names.getFirst();
    }
    return names.stream()
        .filter(clients::contains)
        .findFirst()
        .orElseThrow(
            () ->
                new ProblemException(
                    new Problem(
                        403,
                        "forbidden",
                        "the client certificate is for "
                            + names
                            + ": expected one of authentication.clients")));
  }

  private static List<String> names(X509Certificate certificate) {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      return names == null
          ? List.of()
          : names.stream()
              .filter(name -> name.get(0) instanceof Integer type && (type == URI || type == DNS))
              .flatMap(name -> Stream.ofNullable(name.get(1)))
              .map(Objects::toString)
              .toList();
    } catch (CertificateParsingException e) {
      return List.of();
    }
  }

  private static ProblemException unauthenticated(String detail) {
    return new ProblemException(new Problem(401, "unauthenticated", detail));
  }
}
