package io.meshward.runtime;

import java.nio.file.Path;

/** What the page on authorization shows. */
final class AuthorizationExample {
  private AuthorizationExample() {}

  static MeshRuntimeBuilder builder() {
    return MeshRuntime.builder()
        .policy(Path.of("policy.json"))
        .shadowPolicy(Path.of("next.json"))
        .roles(Path.of("roles.yaml"))
        .services(Path.of("services.yaml"))
        .opa(OpaOptions.at("unix:/run/opa/opa.sock").path("envoy/authz/allow"));
  }
}
