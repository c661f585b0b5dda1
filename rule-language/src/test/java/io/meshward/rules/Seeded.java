package io.meshward.rules;

import java.util.Random;

/** Random numbers for properties. */
final class Seeded {

  private Seeded() {}

  /** Spreads small seeds, whose first numbers would be alike otherwise. */
  static Random random(long seed) {
    return new Random(seed * 0x9E3779B97F4A7C15L);
  }
}
