package io.meshward.runtime;

import java.util.List;
import java.util.Random;

/** Random numbers for properties. */
final class Seeded {
  private Seeded() {}

  /** Spreads small seeds, whose first numbers would be alike otherwise. */
  static Random random(long seed) {
    return new Random(seed * 0x9E3779B97F4A7C15L);
  }

  static <T> T one(List<T> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }

  /** The same bytes with one of them changed, left out or doubled. */
  static byte[] changed(byte[] bytes, Random random) {
    int at = random.nextInt(bytes.length);
    return switch (random.nextInt(4)) {
      case 0 -> splice(bytes, at, new byte[0]);
      case 1 -> splice(bytes, at, new byte[] {bytes[at], bytes[at]});
      default -> splice(bytes, at, new byte[] {(byte) (bytes[at] ^ (1 + random.nextInt(255)))});
    };
  }

  private static byte[] splice(byte[] bytes, int at, byte[] instead) {
    byte[] result = new byte[bytes.length - 1 + instead.length];
    System.arraycopy(bytes, 0, result, 0, at);
    System.arraycopy(instead, 0, result, at, instead.length);
    System.arraycopy(bytes, at + 1, result, at + instead.length, bytes.length - at - 1);
    return result;
  }
}
