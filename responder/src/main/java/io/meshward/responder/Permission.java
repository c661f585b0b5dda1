package io.meshward.responder;

/**
 * Something that the Kubernetes API has to allow the responder.
 *
 * @param group the API group, empty for core
 * @param resource the resource's plural, with its subresource behind a slash if it is one
 */
record Permission(String group, String resource, String verb) {

  /** Whether it only looks. */
  boolean reads() {
    return switch (verb) {
      case "get", "list", "watch" -> true;
      default -> false;
    };
  }

  /** The resource without its subresource. */
  String plural() {
    int slash = resource.indexOf('/');
    return slash < 0 ? resource : resource.substring(0, slash);
  }

  /** The subresource; empty if there is none. */
  String subresource() {
    int slash = resource.indexOf('/');
    return slash < 0 ? "" : resource.substring(slash + 1);
  }

  /** As people write it: {@code patch apps/deployments/scale}. */
  @Override
  public String toString() {
    return verb + " " + (group.isEmpty() ? "" : group + "/") + resource;
  }
}
