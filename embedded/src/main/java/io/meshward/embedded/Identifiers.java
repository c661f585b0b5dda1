package io.meshward.embedded;

import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Uids and generated name suffixes, from one seeded source. Not thread-safe: used under the store's
 * lock.
 */
final class Identifiers {

  /** No vowels and no digits that look like letters, as in the real server. */
  private static final String ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

  private static final int SUFFIX_LENGTH = 5;

  private final RandomGenerator random;

  Identifiers(RandomGenerator random) {
    this.random = random;
  }

  String uid() {
    long high = (random.nextLong() & ~0xF000L) | 0x4000L;
    long low = (random.nextLong() & 0x3FFF_FFFF_FFFF_FFFFL) | Long.MIN_VALUE;
    return new UUID(high, low).toString();
  }

  String suffix() {
    StringBuilder suffix = new StringBuilder();
    for (int i = 0; i < SUFFIX_LENGTH; i++) {
      suffix.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return suffix.toString();
  }

  /** A name part that depends on the text alone. */
  static String hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    StringBuilder part = new StringBuilder();
    for (char digit : Long.toUnsignedString(hash >>> 32).toCharArray()) {
      part.append(ALPHABET.charAt(digit % ALPHABET.length()));
    }
    return part.toString();
  }
}
