package io.meshward.embedded;

import java.util.List;

/**
 * Where in the API a request points.
 *
 * @param namespace empty for cluster-scoped resources and for a namespaced resource in all
 *     namespaces
 * @param name empty for the collection
 * @param subresource empty for the object itself
 */
record ResourcePath(ResourceType type, String namespace, String name, String subresource) {

  /**
   * Parses a path below {@code /api/v1} or {@code /apis/GROUP/VERSION}.
   *
   * @throws ApiFailure 404 where no server has such a resource, 501 where only a real server has it
   */
  static ResourcePath parse(String group, String version, List<String> parts) {
    if (parts.getFirst().equals("watch")) {
      throw ApiFailure.notSimulated("the deprecated watch paths");
    }
    boolean inNamespace =
        parts.size() > 2 && parts.getFirst().equals("namespaces") && !isNamespaceSubresource(parts);
    List<String> rest = inNamespace ? parts.subList(2, parts.size()) : parts;
    String plural = rest.getFirst();
    ResourceType type = ResourceCatalogue.find(group, version, plural);
    if (type == null) {
      if (ResourceCatalogue.existsElsewhere(group, version, plural)) {
        throw ApiFailure.notSimulated(
            "the resource " + (group.isEmpty() ? "" : group + "/") + version + "/" + plural);
      }
      throw ApiFailure.noSuchResource();
    }
    String namespace = inNamespace ? parts.get(1) : "";
    String name = rest.size() > 1 ? rest.get(1) : "";
    if (rest.size() > 3 || (type.namespaced() != inNamespace && (inNamespace || !name.isEmpty()))) {
      throw ApiFailure.noSuchResource();
    }
    String subresource = rest.size() > 2 ? rest.get(2) : "";
    if (!subresource.isEmpty() && !type.subresources().contains(subresource)) {
      if (ResourceCatalogue.subresourceExistsElsewhere(type, subresource)) {
        throw ApiFailure.notSimulated("the subresource " + plural + "/" + subresource);
      }
      throw ApiFailure.noSuchResource();
    }
    return new ResourcePath(type, namespace, name, subresource);
  }

  private static boolean isNamespaceSubresource(List<String> parts) {
    return parts.size() == 3 && (parts.get(2).equals("status") || parts.get(2).equals("finalize"));
  }
}
