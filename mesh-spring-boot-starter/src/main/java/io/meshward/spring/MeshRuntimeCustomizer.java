package io.meshward.spring;

import io.meshward.runtime.MeshRuntimeBuilder;

/** A bean that says more of the runtime than the properties do, such as OPA or federation. */
@FunctionalInterface
public interface MeshRuntimeCustomizer {
  void customize(MeshRuntimeBuilder runtime);
}
