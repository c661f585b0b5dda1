package io.meshward.responder;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.InvalidSpiffeIdException;
import io.meshward.schemas.Inventory;
import io.meshward.schemas.MalformedEventException;
import io.meshward.schemas.OwnerRef;
import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.TrustDomain;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a pod of the Kubernetes API into the inventory's record of it. Thread-safe. */
final class PodReader {
  private static final Logger log = LoggerFactory.getLogger(PodReader.class);

  /** No chain of owners in Kubernetes is longer; a loop ends here. */
  private static final int MAX_OWNERS = 8;

  private final String cluster;
  private final TrustDomain trustDomain;
  private final boolean preferAddressAnnotation;

  PodReader(String cluster, TrustDomain trustDomain, boolean preferAddressAnnotation) {
    this.cluster = cluster;
    this.trustDomain = trustDomain;
    this.preferAddressAnnotation = preferAddressAnnotation;
  }

  /**
   * Reads a pod.
   *
   * @param controllers the controller of an owner, by the owner's uid, as far as it is known
   * @param from since when the pod has been known
   */
  Inventory read(Pod pod, Function<String, Optional<OwnerRef>> controllers, Instant from) {
    ObjectMeta meta = pod.getMetadata();
    PodStatus status = pod.getStatus();
    String account = pod.getSpec().getServiceAccountName();
    String serviceAccount = account == null || account.isEmpty() ? "default" : account;
    return new Inventory(
        new Inventory.Pod(
            cluster,
            meta.getNamespace(),
            meta.getName(),
            meta.getUid(),
            address(pod),
            pod.getSpec().getNodeName(),
            status == null ? null : status.getHostIP(),
            serviceAccount,
            Boolean.TRUE.equals(pod.getSpec().getHostNetwork()),
            ready(pod),
            status == null ? null : status.getPhase(),
            labels(meta)),
        owners(meta, controllers),
        identity(meta, serviceAccount),
        new Inventory.Validity(from, null));
  }

  /** Since when a pod that was never seen before has had its address, as far as it says. */
  static Instant since(Pod pod) {
    PodStatus status = pod.getStatus();
    String start = status == null ? null : status.getStartTime();
    try {
      return Instant.parse(start == null ? pod.getMetadata().getCreationTimestamp() : start);
    } catch (DateTimeParseException e) {
      return Instant.EPOCH;
    }
  }

  /** The labels of an object; none if it has none. */
  static Map<String, String> labels(ObjectMeta meta) {
    return meta.getLabels() == null ? Map.of() : meta.getLabels();
  }

  /** The controller of an object, if it has one. */
  static Optional<OwnerRef> controller(ObjectMeta meta) {
    return Optional.ofNullable(meta.getOwnerReferences()).orElse(List.of()).stream()
        .filter(reference -> Boolean.TRUE.equals(reference.getController()))
        .map(PodReader::ownerRef)
        .findFirst();
  }

  private static OwnerRef ownerRef(OwnerReference reference) {
    return new OwnerRef(reference.getKind(), reference.getName(), reference.getUid());
  }

  private static List<OwnerRef> owners(
      ObjectMeta meta, Function<String, Optional<OwnerRef>> controllers) {
    List<OwnerRef> chain = new ArrayList<>();
    Optional<OwnerRef> next = controller(meta);
    while (next.isPresent() && chain.size() < MAX_OWNERS) {
      chain.add(next.get());
      next = controllers.apply(next.get().uid());
    }
    return chain.isEmpty() ? originalOwners(meta) : chain;
  }

  /** An isolated pod lost its controller; whose it was stands in an annotation. */
  private static List<OwnerRef> originalOwners(ObjectMeta meta) {
    String json = annotation(meta, Annotations.ORIGINAL_OWNERS);
    if (json == null || !labels(meta).containsKey(Annotations.CONTAINMENT)) {
      return List.of();
    }
    try {
      List<OwnerRef> chain = new ArrayList<>();
      for (JsonNode owner : EventCodec.readTree(json.getBytes(UTF_8))) {
        chain.add(
            new OwnerRef(
                owner.path("kind").asText(),
                owner.path("name").asText(),
                owner.path("uid").asText()));
      }
      return chain;
    } catch (MalformedEventException | IllegalArgumentException e) {
      log.atWarn()
          .addKeyValue("namespace", meta.getNamespace())
          .addKeyValue("pod", meta.getName())
          .log("the annotation of an isolated pod's owners is not readable");
      return List.of();
    }
  }

  private @Nullable String address(Pod pod) {
    String annotated =
        preferAddressAnnotation ? annotation(pod.getMetadata(), Annotations.ADDRESS) : null;
    if (annotated != null) {
      return annotated;
    }
    return pod.getStatus() == null ? null : pod.getStatus().getPodIP();
  }

  private @Nullable SpiffeId identity(ObjectMeta meta, String serviceAccount) {
    String annotated = annotation(meta, Annotations.SPIFFE_ID);
    try {
      return SpiffeId.parse(
          annotated != null
              ? annotated
              : "spiffe://" + trustDomain + "/ns/" + meta.getNamespace() + "/sa/" + serviceAccount);
    } catch (InvalidSpiffeIdException e) {
      log.atWarn()
          .addKeyValue("namespace", meta.getNamespace())
          .addKeyValue("pod", meta.getName())
          .addKeyValue("problem", e.getMessage())
          .log("a pod has no valid SPIFFE ID");
      return null;
    }
  }

  private static @Nullable String annotation(ObjectMeta meta, String name) {
    return meta.getAnnotations() == null ? null : meta.getAnnotations().get(name);
  }

  private static boolean ready(Pod pod) {
    return pod.getMetadata().getDeletionTimestamp() == null
        && pod.getStatus() != null
        && pod.getStatus().getConditions() != null
        && pod.getStatus().getConditions().stream()
            .anyMatch(
                condition ->
                    "Ready".equals(condition.getType()) && "True".equals(condition.getStatus()));
  }
}
