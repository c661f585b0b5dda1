package io.meshward.spring;

import io.meshward.runtime.MeshServerBuilder;

/** A bean that adds to the server: interceptors, executors, limits. */
@FunctionalInterface
public interface MeshServerCustomizer {
  void customize(MeshServerBuilder server);
}
