package io.meshward.embedded;

import java.util.Comparator;

/** Where an object is kept; ordered by resource, namespace and name. */
record ObjectKey(String storage, String namespace, String name) implements Comparable<ObjectKey> {

  private static final Comparator<ObjectKey> ORDER =
      Comparator.comparing(ObjectKey::storage)
          .thenComparing(ObjectKey::namespace)
          .thenComparing(ObjectKey::name);

  static ObjectKey of(ResourceType type, String namespace, String name) {
    return new ObjectKey(type.storage(), type.namespaced() ? namespace : "", name);
  }

  @Override
  public int compareTo(ObjectKey other) {
    return ORDER.compare(this, other);
  }
}
