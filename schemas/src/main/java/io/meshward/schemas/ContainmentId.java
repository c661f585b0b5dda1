package io.meshward.schemas;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.common.utils.Utils;

/**
 * The id of a containment, {@code hash(target)-hash(playbook, first detection)}. Its first part
 * places work, responses, containments and approvals about one target on one partition.
 */
public record ContainmentId(String targetHash, String ownHash) {
  private static final int DIGITS = 16;

  public ContainmentId {
    Require.text(targetHash, "containment id");
    Require.text(ownHash, "containment id");
  }

  /** The id of the containment that a playbook begins for a target because of a detection. */
  public static ContainmentId of(String targetKey, String playbook, String firstDetection) {
    return new ContainmentId(
        targetHash(targetKey), new ContentHash().add(playbook).add(firstDetection).hex(DIGITS));
  }

  /**
   * Reads an id.
   *
   * @throws IllegalArgumentException if it is not two parts with a hyphen between them
   */
  public static ContainmentId parse(String text) {
    int hyphen = text.indexOf('-');
    if (hyphen <= 0 || hyphen == text.length() - 1) {
      throw new IllegalArgumentException(
          "containment id is '" + text + "': expected two hashes with a hyphen between them");
    }
    return new ContainmentId(text.substring(0, hyphen), text.substring(hyphen + 1));
  }

  /** The first part of the ids of a target. */
  public static String targetHash(String targetKey) {
    return new ContentHash().add(targetKey).hex(DIGITS);
  }

  /** The partition that owns all that happens to this id's target. */
  public int partition(int partitions) {
    return partition(targetHash, partitions);
  }

  /** The partition that owns all that happens to a target. */
  public static int partition(String targetHash, int partitions) {
    return Utils.toPositive(Utils.murmur2(targetHash.getBytes(UTF_8))) % partitions;
  }

  @Override
  public String toString() {
    return targetHash + "-" + ownHash;
  }
}
