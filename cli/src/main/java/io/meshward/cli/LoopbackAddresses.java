package io.meshward.cli;

import java.util.random.RandomGenerator;

/** Gives out loopback addresses, each once. Thread-safe. */
final class LoopbackAddresses {
  private static final int LAST = 65_000;

  private final int network;
  private int next = 1;

  /**
   * Picks a network between 127.70 and 127.127, so that two shops on a machine seldom share one.
   */
  LoopbackAddresses(RandomGenerator random) {
    this.network = random.nextInt(70, 128);
  }

  /** The next address. */
  synchronized String next() {
    if (next > LAST) {
      throw new IllegalStateException("no loopback address left in 127." + network + ".0.0/16");
    }
    int host = next++;
    // Neither .0 nor .255 at the end: they look like network and broadcast addresses.
    return "127." + network + "." + host / 250 + "." + (host % 250 + 1);
  }
}
