package io.meshward.responder;

import io.meshward.schemas.SpiffeId;
import io.meshward.schemas.Subject;
import io.meshward.schemas.Target;
import io.meshward.schemas.Work;
import java.util.Optional;

/** What must never be touched, whatever a playbook says. Immutable. */
final class Protection {
  private static final String SPIRE = "/spire/";

  private final ResponderConfig.Protect config;

  Protection(ResponderConfig.Protect config) {
    this.config = config;
  }

  /** Why nothing may be done about a piece of work; empty if something may. */
  Optional<String> objection(Work work) {
    if (work.plan().protectedBy() != null) {
      return Optional.of(work.plan().protectedBy());
    }
    Target target = work.target();
    if (target.namespace() != null && config.namespaces().contains(target.namespace())) {
      return Optional.of("namespace " + target.namespace() + " is protected");
    }
    if (target.spiffeId() != null) {
      Optional<String> objection = objection(target.spiffeId());
      if (objection.isPresent()) {
        return objection;
      }
    }
    return work.plan().steps().stream()
        .filter(step -> step.action().equals(Holds.NAME) && step.skipped() == null)
        .map(step -> Holds.subject(step.parameters()))
        .filter(subject -> subject.kind() == Subject.Kind.SPIFFE_ID)
        .flatMap(subject -> objection(SpiffeId.parse(subject.value())).stream())
        .findFirst();
  }

  private Optional<String> objection(SpiffeId identity) {
    String path = identity.path();
    if (path.startsWith(SPIRE)) {
      return Optional.of(identity + " is SPIRE's own");
    }
    for (String namespace : config.namespaces()) {
      if (path.startsWith("/ns/" + namespace + "/")) {
        return Optional.of(identity + " belongs to the protected namespace " + namespace);
      }
    }
    for (String pattern : config.identities()) {
      boolean covered =
          pattern.endsWith("/*")
              ? identity.toString().startsWith(pattern.substring(0, pattern.length() - 1))
              : identity.toString().equals(pattern);
      if (covered) {
        return Optional.of(identity + " is protected");
      }
    }
    return Optional.empty();
  }
}
