package io.meshward.spring;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties {@code meshward.*}: what {@link io.meshward.runtime.MeshRuntimeBuilder} asks for.
 * Anything else is for a {@link MeshRuntimeCustomizer}, and a name that is none of these is
 * refused.
 *
 * @param workloadApi where the Workload API listens; default: {@code SPIFFE_ENDPOINT_SOCKET}
 * @param policy the file of the policy; without one every call is refused
 * @param kafka where events go and holds come from
 * @param withoutEvents runs blind, in so many words
 * @param withoutQuarantine runs without holds, in so many words
 */
@ConfigurationProperties(prefix = "meshward", ignoreUnknownFields = false)
public record MeshProperties(
    @Nullable String workloadApi,
    @Nullable Path policy,
    @DefaultValue Kafka kafka,
    @DefaultValue("false") boolean withoutEvents,
    @DefaultValue("false") boolean withoutQuarantine) {

  /**
   * How Kafka is reached.
   *
   * @param prefix what the names of Meshward's topics start with
   * @param properties of Kafka's clients under Kafka's own names, {@code bootstrap.servers} at
   *     least; without any, Kafka is not used
   */
  public record Kafka(
      @DefaultValue("meshward") String prefix, @DefaultValue Map<String, String> properties) {}
}
