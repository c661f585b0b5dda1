package io.meshward.detect;

import io.meshward.rules.FieldArgument;
import io.meshward.rules.FieldDefinition;
import io.meshward.rules.FieldType;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.Target;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A field that no event carries: the inventory adds it. Immutable.
 *
 * @param value its value, given what stands in brackets
 */
record EnrichedField(
    FieldDefinition definition,
    BiFunction<Surroundings, Optional<String>, @Nullable Object> value) {

  /** All of them. */
  static final List<EnrichedField> ALL =
      List.of(
          text("pod.name", pod(pod -> pod.pod().name())),
          text("pod.namespace", pod(pod -> pod.pod().namespace())),
          text("pod.uid", pod(pod -> pod.pod().uid())),
          text("pod.node", pod(pod -> pod.pod().node())),
          text("pod.service_account", pod(pod -> pod.pod().serviceAccount())),
          text("pod.spiffe_id", pod(pod -> text(pod.spiffeId()))),
          new EnrichedField(
              new FieldDefinition(
                  "pod.labels", FieldType.STRING, false, FieldArgument.KEY_REQUIRED),
              (surroundings, label) ->
                  surroundings
                      .pod()
                      .flatMap(pod -> label.map(pod.pod().labels()::get))
                      .orElse(null)),
          text("owner.kind", owner(OwnerRef::kind)),
          text("owner.name", owner(OwnerRef::name)),
          text("owner.uid", owner(OwnerRef::uid)),
          text("workload.key", surroundings -> workload(surroundings.target())),
          text("peer.location", Surroundings::peerLocation),
          text("peer.pod.name", peerPod(pod -> pod.pod().name())),
          text("peer.pod.namespace", peerPod(pod -> pod.pod().namespace())),
          text("peer.pod.uid", peerPod(pod -> pod.pod().uid())),
          text("peer.pod.node", peerPod(pod -> pod.pod().node())),
          text("peer.pod.service_account", peerPod(pod -> pod.pod().serviceAccount())),
          text("peer.pod.spiffe_id", peerPod(pod -> text(pod.spiffeId()))),
          new EnrichedField(
              new FieldDefinition("peer.pod.age_ms", FieldType.INT64, false, FieldArgument.NONE),
              (surroundings, argument) ->
                  surroundings.peerPodAge().map(age -> (Object) age.toMillis()).orElse(null)));

  private static final Map<String, EnrichedField> BY_NAME =
      ALL.stream()
          .collect(Collectors.toUnmodifiableMap(field -> field.definition.name(), field -> field));

  static @Nullable EnrichedField named(String name) {
    return BY_NAME.get(name);
  }

  /** Whether only events with a peer have it. */
  boolean isOfPeer() {
    return definition.name().startsWith("peer.");
  }

  private static EnrichedField text(String name, Function<Surroundings, @Nullable Object> value) {
    return new EnrichedField(
        new FieldDefinition(name, FieldType.STRING, false, FieldArgument.NONE),
        (surroundings, argument) -> value.apply(surroundings));
  }

  private static Function<Surroundings, @Nullable Object> pod(
      Function<Inventory, @Nullable String> value) {
    return surroundings -> surroundings.pod().map(value).orElse(null);
  }

  private static Function<Surroundings, @Nullable Object> peerPod(
      Function<Inventory, @Nullable String> value) {
    return surroundings -> surroundings.peerPod().map(value).orElse(null);
  }

  private static Function<Surroundings, @Nullable Object> owner(Function<OwnerRef, String> value) {
    return surroundings -> {
      OwnerRef owner = surroundings.target().owner();
      return owner == null ? null : value.apply(owner);
    };
  }

  /** The top owner where the inventory knows it, else the pod by name, else the identity. */
  private static String workload(Target target) {
    if (target.owner() == null && target.namespace() != null && target.pod() != null) {
      return target.cluster() + "/" + target.namespace() + "/" + target.pod();
    }
    return target.key();
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }
}
