package io.meshward.embedded;

import io.meshward.embedded.SchemaType.Struct;
import java.util.List;

/**
 * A kind of object and where it is served.
 *
 * @param group the API group, empty for core
 * @param storage the plural under which objects are kept: two groups may serve the same objects
 * @param generated the server counts changes of the specification in {@code metadata.generation}
 * @param statusSeparate {@code status} is not writable through the object itself
 * @param struct the fields of the kind
 */
record ResourceType(
    String group,
    String version,
    String plural,
    String singular,
    String kind,
    boolean namespaced,
    List<String> shortNames,
    List<String> subresources,
    String storage,
    boolean generated,
    boolean statusSeparate,
    Struct struct) {

  ResourceType {
    shortNames = List.copyOf(shortNames);
    subresources = List.copyOf(subresources);
  }

  String apiVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  /** The plural with its group, as error messages name a resource. */
  String qualifiedPlural() {
    return group.isEmpty() ? plural : plural + "." + group;
  }

  @Override
  public String toString() {
    return apiVersion() + "/" + plural;
  }
}
