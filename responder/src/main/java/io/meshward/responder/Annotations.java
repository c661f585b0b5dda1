package io.meshward.responder;

/** The names that Meshward gives to what it reads from and writes to Kubernetes objects. */
final class Annotations {
  /** Annotation of a pod: its SPIFFE ID, where the template does not fit. */
  static final String SPIFFE_ID = "meshward.io/spiffe-id";

  /** Annotation of a pod: the address its connections come from; used only by option. */
  static final String ADDRESS = "meshward.io/address";

  /** Label of an isolated pod and of what isolates it: the containment's id. */
  static final String CONTAINMENT = "meshward.io/containment";

  /** Annotation of an isolated pod: the labels that were taken off, as a JSON object. */
  static final String ORIGINAL_LABELS = "meshward.io/original-labels";

  /** Annotation of an isolated pod: who owned it, as a JSON array from its controller upwards. */
  static final String ORIGINAL_OWNERS = "meshward.io/original-owners";

  /** Label of a workload or pod that must not be touched, with the value {@code true}. */
  static final String PROTECT = "meshward.io/protect";

  /** Label of every object that is ours. */
  static final String MANAGED_BY = "app.kubernetes.io/managed-by";

  /** The value of {@link #MANAGED_BY}. */
  static final String MESHWARD = "meshward";

  private Annotations() {}
}
