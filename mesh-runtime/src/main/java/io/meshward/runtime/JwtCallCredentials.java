package io.meshward.runtime;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.util.concurrent.Executor;

/**
 * Sends a JWT-SVID with each call, as a bearer token (JWT-SVID 5.3), over TLS only. Fetching blocks
 * on the call's executor, never on the transport's thread.
 */
final class JwtCallCredentials extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final JwtSvidCache cache;
  private final String audience;

  JwtCallCredentials(JwtSvidCache cache, String audience) {
    this.cache = cache;
    this.audience = audience;
  }

  @Override
  public void applyRequestMetadata(
      RequestInfo request, Executor executor, MetadataApplier applier) {
    if (request.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY) {
      applier.fail(Status.UNAUTHENTICATED.withDescription("a JWT-SVID is only sent over TLS"));
      return;
    }
    executor.execute(
        () -> {
          try {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + cache.get(audience).token());
            applier.apply(headers);
          } catch (MeshRuntimeException e) {
            applier.fail(Status.UNAVAILABLE.withDescription(e.getMessage()).withCause(e));
          } catch (RuntimeException | Error e) {
            // Whatever it is: a call whose credentials neither come nor fail waits for ever.
            applier.fail(Status.UNAVAILABLE.withDescription("no JWT-SVID: " + e).withCause(e));
          }
        });
  }
}
