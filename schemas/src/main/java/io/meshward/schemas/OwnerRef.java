package io.meshward.schemas;

/** A Kubernetes object that owns others, told from a successor of the same name by its uid. */
public record OwnerRef(String kind, String name, String uid) {
  public OwnerRef {
    Require.text(kind, "owner.kind");
    Require.text(name, "owner.name");
    Require.text(uid, "owner.uid");
  }
}
