package io.meshward.benchmarks;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;

/**
 * How a quantity is spread over its samples.
 *
 * @param count how many samples there are
 * @param p50 the smallest sample that at least half of the samples do not exceed (nearest rank)
 * @param p99 the smallest sample that at least 99 of 100 samples do not exceed (nearest rank)
 * @param max the largest sample
 */
record Spread(int count, double p50, double p99, double max) {
  /**
   * The spread of samples.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Spread of(double... samples) {
    if (samples.length == 0) {
      throw new IllegalArgumentException("no samples: expected at least one");
    }
    double[] sorted = samples.clone();
    Arrays.sort(sorted);
    return new Spread(
        sorted.length, rank(sorted, 0.50), rank(sorted, 0.99), sorted[sorted.length - 1]);
  }

  /** The spread of samples that were collected. */
  static Spread of(Collection<Double> samples) {
    return of(samples.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static double rank(double[] sorted, double share) {
    return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
  }

  /** Milliseconds, with their fraction, from one instant to another. */
  static double millis(Instant from, Instant to) {
    return Duration.between(from, to).toNanos() / 1e6;
  }

  /** How many times another spread's median this one's is. */
  double ratioTo(Spread other) {
    return p50 / other.p50;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "p50 %7.2f  p99 %7.2f  max %7.2f  (n=%d)", p50, p99, max, count);
  }
}
