package io.meshward.runtime;

import io.grpc.Context;
import io.meshward.schemas.SpiffeId;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JWT-SVID: a bearer token for one identity and some audiences. Immutable.
 *
 * @param id the identity it stands for
 * @param audience whom it may be presented to
 * @param expiresAt when it ends
 * @param claims all claims, as the types that JSON has: String, Boolean, Number, List, Map
 * @param token the compact serialization; whoever has it can use it, so it is never printed
 * @param hint what the Workload API says it is for, if anything
 */
public record JwtSvid(
    SpiffeId id,
    List<String> audience,
    Instant expiresAt,
    Map<String, Object> claims,
    String token,
    @Nullable String hint) {
  static final Context.Key<JwtSvid> KEY = Context.key("meshward.jwt");

  public JwtSvid {
    audience = List.copyOf(audience);
    claims = Collections.unmodifiableMap(new LinkedHashMap<>(claims));
  }

  /**
   * The verified JWT-SVID of the call that is being served; nothing if it came without one, if the
   * server takes none (see {@link MeshRuntimeBuilder#jwt}), and outside of a call.
   */
  public static Optional<JwtSvid> current() {
    return Optional.ofNullable(KEY.get());
  }

  JwtSvid withHint(@Nullable String text) {
    return new JwtSvid(id, audience, expiresAt, claims, token, text);
  }

  @Override
  public String toString() {
    return "JwtSvid[" + id + ", for " + audience + ", until " + expiresAt + "]";
  }
}
