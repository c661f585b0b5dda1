package io.meshward.daemon;

import io.meshward.schemas.Topic;
import io.meshward.schemas.TopicCatalogue;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * The access control entries that the catalogue's writers and readers need, and no more.
 *
 * <p>A role's consumer groups and transactional ids start with {@code <prefix>.<role>}; the topics
 * that Kafka Streams makes for detection start with {@code <prefix>.detect-}.
 */
final class TopicAcls {
  private final String prefix;
  private final Map<Topic.Role, List<String>> principals;
  private final Set<AclBinding> acls = new LinkedHashSet<>();

  private TopicAcls(String prefix, Map<Topic.Role, List<String>> principals) {
    this.prefix = prefix;
    this.principals = principals;
  }

  static Set<AclBinding> of(String prefix, Map<Topic.Role, List<String>> principals) {
    TopicAcls needed = new TopicAcls(prefix, principals);
    TopicCatalogue.all().forEach(needed::addTopic);
    for (Topic.Role role : Topic.Role.values()) {
      needed.addOwnNames(role);
    }
    return needed.acls;
  }

  private void addTopic(Topic topic) {
    String name = topic.name(prefix);
    for (Topic.Role writer : topic.writers()) {
      add(writer, ResourceType.TOPIC, name, PatternType.LITERAL, AclOperation.WRITE);
      add(writer, ResourceType.TOPIC, name, PatternType.LITERAL, AclOperation.DESCRIBE);
    }
    for (Topic.Role reader : topic.readers()) {
      add(reader, ResourceType.TOPIC, name, PatternType.LITERAL, AclOperation.READ);
      add(reader, ResourceType.TOPIC, name, PatternType.LITERAL, AclOperation.DESCRIBE);
    }
  }

  private void addOwnNames(Topic.Role role) {
    String own = prefix + "." + role.label();
    add(role, ResourceType.GROUP, own, PatternType.PREFIXED, AclOperation.READ);
    if (role == Topic.Role.RESPONDER || role == Topic.Role.DETECT) {
      add(role, ResourceType.TRANSACTIONAL_ID, own, PatternType.PREFIXED, AclOperation.WRITE);
      add(role, ResourceType.TRANSACTIONAL_ID, own, PatternType.PREFIXED, AclOperation.DESCRIBE);
    }
    if (role == Topic.Role.DETECT) {
      for (AclOperation operation :
          List.of(
              AclOperation.CREATE,
              AclOperation.READ,
              AclOperation.WRITE,
              AclOperation.DELETE,
              AclOperation.DESCRIBE,
              AclOperation.DESCRIBE_CONFIGS)) {
        add(role, ResourceType.TOPIC, own + "-", PatternType.PREFIXED, operation);
      }
    }
  }

  private void add(
      Topic.Role role,
      ResourceType type,
      String name,
      PatternType pattern,
      AclOperation operation) {
    for (String principal : principals.getOrDefault(role, List.of())) {
      acls.add(
          new AclBinding(
              new ResourcePattern(type, name, pattern),
              new AccessControlEntry(principal, "*", operation, AclPermissionType.ALLOW)));
    }
  }
}
