package io.meshward.runtime;

import io.meshward.schemas.TrustDomain;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The bundles that a runtime judges peers by. It has an identity, with bundles, an instant before
 * it judges by them, and tells its listeners after that.
 */
final class TakenOverBundles implements IdentityListener {
  private volatile @Nullable MeshRuntime runtime;
  private volatile Map<TrustDomain, TrustBundle> bundles = Map.of();

  /** Begins to hear of a runtime that has started. */
  void begin(MeshRuntime started) {
    bundles = started.identity().bundles();
    runtime = started;
  }

  @Override
  public void identityChanged(RuntimeState state) {
    MeshRuntime started = runtime;
    boolean usable = state instanceof RuntimeState.Ready || state instanceof RuntimeState.Stale;
    if (started != null && usable) {
      bundles = started.identity().bundles();
    }
  }

  @Nullable TrustBundle of(TrustDomain domain) {
    return bundles.get(domain);
  }
}
