package io.meshward.daemon;

import java.util.Locale;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.resource.PatternType;

/** One way in which a broker differs from the topic catalogue. */
public sealed interface TopicDifference {

  /** Whether applying the catalogue removes the difference. */
  boolean applicable();

  /** The difference in one line, for people. */
  String describe();

  /** A topic that does not exist. */
  record MissingTopic(String topic, int partitions) implements TopicDifference {
    @Override
    public boolean applicable() {
      return true;
    }

    @Override
    public String describe() {
      return "+ topic " + topic + " with " + partitions + " partitions";
    }
  }

  /**
   * A topic with another number of partitions. Never changed: keys and state are bound to their
   * partitions, so the topic has to be drained and made anew by a person.
   */
  record PartitionCount(String topic, int actual, int expected) implements TopicDifference {
    @Override
    public boolean applicable() {
      return false;
    }

    @Override
    public String describe() {
      return "! topic "
          + topic
          + " has "
          + actual
          + " partitions: expected "
          + expected
          + " (not changed by apply)";
    }
  }

  /** A topic's setting with another value. */
  record Setting(String topic, String name, String actual, String expected)
      implements TopicDifference {
    @Override
    public boolean applicable() {
      return true;
    }

    @Override
    public String describe() {
      return "~ topic " + topic + ": " + name + " is " + actual + ", expected " + expected;
    }
  }

  /** An access control entry that a role needs and does not have. */
  record MissingAcl(AclBinding acl) implements TopicDifference {
    @Override
    public boolean applicable() {
      return true;
    }

    @Override
    public String describe() {
      return "+ acl " + line(acl);
    }
  }

  /** An access control entry that no role needs, on something that carries our prefix. */
  record SurplusAcl(AclBinding acl) implements TopicDifference {
    @Override
    public boolean applicable() {
      return true;
    }

    @Override
    public String describe() {
      return "- acl " + line(acl);
    }
  }

  private static String line(AclBinding acl) {
    return acl.entry().principal()
        + " "
        + acl.entry().operation().name().toLowerCase(Locale.ROOT)
        + " on "
        + acl.pattern().resourceType().name().toLowerCase(Locale.ROOT)
        + " "
        + acl.pattern().name()
        + (acl.pattern().patternType() == PatternType.PREFIXED ? "*" : "");
  }
}
